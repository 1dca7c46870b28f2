use ark_bn254::{Bn254, Fq, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{BigInteger, PrimeField, Zero};
use ark_groth16::ProvingKey;
use ark_serialize::{CanonicalSerialize, Compress};

pub struct Key {
    pub proving: ProvingKey<Bn254>,
}

fn push_word(out: &mut Vec<u8>, value: &Fq) {
    out.extend(value.into_bigint().to_bytes_be());
}

/// x, y as 32-byte big-endian words; the point at infinity is two zero words (EIP-196).
fn push_g1(out: &mut Vec<u8>, point: &G1Affine) {
    let (x, y) = point.xy().unwrap_or((Fq::zero(), Fq::zero()));
    push_word(out, &x);
    push_word(out, &y);
}

/// Imaginary part before real part, as the pairing precompile reads them (EIP-197).
fn push_g2(out: &mut Vec<u8>, point: &G2Affine) {
    match point.xy() {
        Some((x, y)) => {
            for part in [x.c1, x.c0, y.c1, y.c0] {
                push_word(out, &part);
            }
        }
        None => out.extend([0u8; 128]),
    }
}

impl Key {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.proving.serialized_size(Compress::No));
        self.proving.serialize_uncompressed(&mut out).expect("writing to memory");
        out
    }

    pub fn verifying_key_words(&self) -> Vec<u8> {
        let vk = &self.proving.vk;
        let mut out = Vec::new();
        push_g1(&mut out, &vk.alpha_g1);
        for point in [&vk.beta_g2, &vk.gamma_g2, &vk.delta_g2] {
            push_g2(&mut out, point);
        }
        for point in &vk.gamma_abc_g1 {
            push_g1(&mut out, point);
        }
        out
    }
}

/// A, B, C as the pairing precompile reads them.
pub fn proof_words(a: &G1Affine, b: &G2Affine, c: &G1Affine) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    push_g1(&mut out, a);
    push_g2(&mut out, b);
    push_g1(&mut out, c);
    out
}
