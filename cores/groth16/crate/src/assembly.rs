use crate::{key::proof_words, points::parse};
use ark_bn254::{Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::CurveGroup;

const G1: usize = 64;
const G2: usize = 128;
const PART: usize = 4 * G1 + G2;

struct Points<'a> {
    bytes: &'a [u8],
}

impl Points<'_> {
    fn take(&mut self, len: usize) -> Option<&[u8]> {
        let (head, tail) = self.bytes.split_at_checked(len)?;
        self.bytes = tail;
        Some(head)
    }

    fn g1(&mut self) -> Option<G1Affine> {
        parse::<G1Affine>(self.take(G1)?)?.first().copied()
    }

    fn g2(&mut self) -> Option<G2Affine> {
        parse::<G2Affine>(self.take(G2)?)?.first().copied()
    }
}

/// A proof from sums that several threads computed, as `ark_groth16::prover` does from its own: alpha, beta, delta in G1, beta,
/// delta in G2, then for each thread its share of Σ a, Σ b (G1), Σ l, Σ h, Σ b (G2).
pub fn assemble(bytes: &[u8], r: Fr, s: Fr) -> Option<Vec<u8>> {
    let mut points = Points { bytes };
    let (alpha, beta, delta) = (points.g1()?, points.g1()?, points.g1()?);
    let (beta_g2, delta_g2) = (points.g2()?, points.g2()?);
    let mut a = delta * r + alpha;
    let mut b: G1Projective = delta * s + beta;
    let mut b_g2: G2Projective = delta_g2 * s + beta_g2;
    let mut c = G1Projective::default();
    while points.bytes.len() >= PART {
        a += points.g1()?;
        b += points.g1()?;
        c += points.g1()?;
        c += points.g1()?;
        b_g2 += points.g2()?;
    }
    if !points.bytes.is_empty() {
        return None;
    }
    c += a * s + b * r - delta * (r * s);
    Some(proof_words(&a.into_affine(), &b_g2.into_affine(), &c.into_affine()))
}
