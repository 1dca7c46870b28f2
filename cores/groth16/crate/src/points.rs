use crate::handles::Object;
use ark_bn254::{Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM};
use ark_serialize::{CanonicalSerialize, Compress, Validate};

/// A run of points without a length before them, not checked.
pub fn parse<P: AffineRepr>(bytes: &[u8]) -> Option<Vec<P>> {
    let size = P::zero().uncompressed_size();
    if bytes.len() % size != 0 {
        return None;
    }
    bytes.chunks_exact(size).map(|chunk| P::deserialize_with_mode(chunk, Compress::No, Validate::No).ok()).collect()
}

pub fn encode<P: CanonicalSerialize>(points: &[P]) -> Vec<u8> {
    let mut out = Vec::with_capacity(points.iter().map(|point| point.uncompressed_size()).sum());
    for point in points {
        point.serialize_uncompressed(&mut out).expect("writing to memory");
    }
    out
}

/// Σ scalar · point, encoded; `None` when there are not as many of both.
pub fn sum(points: &Object, scalars: &[Fr]) -> Option<Vec<u8>> {
    match points {
        Object::G1(points) if points.len() == scalars.len() => {
            Some(encode(&[<G1Affine as AffineRepr>::Group::msm_unchecked(points, scalars).into_affine()]))
        }
        Object::G2(points) if points.len() == scalars.len() => {
            Some(encode(&[<G2Affine as AffineRepr>::Group::msm_unchecked(points, scalars).into_affine()]))
        }
        _ => None,
    }
}
