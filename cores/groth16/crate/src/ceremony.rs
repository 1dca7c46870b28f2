//! What a key from many contributors is computed with: points that strangers sent, checked one by one, and linear
//! combinations of them.

use crate::{circuit::Circuit, handles::Object};
use ark_bn254::{Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM};
use ark_ff::{AdditiveGroup, BigInt, BigInteger, PrimeField, Zero};
use ark_poly::{EvaluationDomain, GeneralEvaluationDomain};
use ark_relations::utils::matrix::Matrix;
use ark_serialize::{Compress, Validate};

const COORDINATE: usize = 32;
/// Fewer terms than this are cheaper one by one than in buckets.
const MANY_TERMS: usize = 48;

/// How a run of points is written.
#[derive(Clone, Copy, PartialEq)]
pub enum Encoding {
    /// As arkworks writes them, uncompressed.
    Standard,
    /// As `.ptau` files hold them: little-endian coordinates in Montgomery form, real part first.
    Montgomery,
}

/// A coordinate in Montgomery form; `None` unless it is below the field's prime.
fn montgomery(bytes: &[u8]) -> Option<Fq> {
    let mut limbs = [0u64; 4];
    for (limb, chunk) in limbs.iter_mut().zip(bytes.chunks_exact(8)) {
        *limb = u64::from_le_bytes(chunk.try_into().ok()?);
    }
    let limbs = BigInt::new(limbs);
    (limbs < Fq::MODULUS).then(|| Fq::new_unchecked(limbs))
}

fn montgomery_g1(bytes: &[u8]) -> Option<G1Affine> {
    let mut coordinates = bytes.chunks_exact(COORDINATE).map(montgomery);
    Some(G1Affine::new_unchecked(coordinates.next()??, coordinates.next()??))
}

fn montgomery_g2(bytes: &[u8]) -> Option<G2Affine> {
    let mut coordinates = bytes.chunks_exact(COORDINATE).map(montgomery);
    let mut next = || Some(Fq2::new(coordinates.next()??, coordinates.next()??));
    Some(G2Affine::new_unchecked(next()?, next()?))
}

/// Points of strangers: canonical, on the curve, in the group of prime order, none at infinity.
fn checked<P: AffineRepr>(bytes: &[u8], encoding: Encoding, read: fn(&[u8]) -> Option<P>) -> Option<Vec<P>> {
    let size = P::zero().uncompressed_size();
    if bytes.len() % size != 0 {
        return None;
    }
    bytes
        .chunks_exact(size)
        .map(|chunk| {
            let point = match encoding {
                Encoding::Standard => P::deserialize_with_mode(chunk, Compress::No, Validate::Yes).ok()?,
                Encoding::Montgomery => read(chunk).filter(|point| point.check().is_ok())?,
            };
            (!point.is_zero()).then_some(point)
        })
        .collect()
}

pub fn checked_g1(bytes: &[u8], encoding: Encoding) -> Option<Object> {
    checked(bytes, encoding, montgomery_g1).map(Object::G1)
}

pub fn checked_g2(bytes: &[u8], encoding: Encoding) -> Option<Object> {
    checked(bytes, encoding, montgomery_g2).map(Object::G2)
}

/// Σ scalar · point with shared doublings (Straus), each scalar or its negative, whichever is smaller.
fn few_multiples<P: AffineRepr<ScalarField = Fr>>(points: &[P], terms: &[(usize, Fr)]) -> P::Group {
    let signed: Vec<(P, BigInt<4>)> = terms
        .iter()
        .map(|(row, scalar)| {
            let (plain, negated) = (scalar.into_bigint(), (-*scalar).into_bigint());
            if negated.num_bits() < plain.num_bits() {
                (-points[*row], negated)
            } else {
                (points[*row], plain)
            }
        })
        .collect();
    let bits = signed.iter().map(|(_, by)| by.num_bits() as usize).max().unwrap_or(0);
    let mut sum = P::Group::ZERO;
    for bit in (0..bits).rev() {
        sum.double_in_place();
        for (point, by) in &signed {
            if by.get_bit(bit) {
                sum += point;
            }
        }
    }
    sum
}

fn combination<P>(points: &[P], terms: &[(usize, Fr)]) -> P::Group
where
    P: AffineRepr<ScalarField = Fr>,
    P::Group: VariableBaseMSM<MulBase = P>,
{
    if terms.len() < MANY_TERMS {
        return few_multiples(points, terms);
    }
    let (bases, scalars): (Vec<P>, Vec<Fr>) = terms.iter().map(|(row, scalar)| (points[*row], *scalar)).unzip();
    P::Group::msm_unchecked(&bases, &scalars)
}

/// Terms by variable instead of by constraint.
fn columns(matrix: &Matrix<Fr>, variables: usize) -> Vec<Vec<(usize, Fr)>> {
    let mut columns = vec![Vec::new(); variables];
    for (row, terms) in matrix.iter().enumerate() {
        for (coefficient, variable) in terms {
            if !coefficient.is_zero() {
                columns[*variable].push((row, *coefficient));
            }
        }
    }
    columns
}

fn combined<P>(points: &[P], columns: &[Vec<(usize, Fr)>]) -> Vec<P>
where
    P: AffineRepr<ScalarField = Fr>,
    P::Group: VariableBaseMSM<MulBase = P>,
{
    P::Group::normalize_batch(&columns.iter().map(|terms| combination(points, terms)).collect::<Vec<_>>())
}

/// For each variable the combination of `points` (one for each element of the circuit's domain) by the column of matrix
/// A (0), B (1) or C (2). As in libsnark's reduction, A has one more row for each public input, after the constraints.
pub fn combine(circuit: &Circuit, matrix: usize, points: &Object) -> Option<Object> {
    let mut columns = columns(circuit.matrices.get(matrix)?, circuit.variables);
    if matrix == 0 {
        for (variable, column) in columns.iter_mut().enumerate().take(circuit.public) {
            column.push((circuit.constraints + variable, Fr::from(1u64)));
        }
    }
    let rows = circuit.constraints + circuit.public;
    match points {
        Object::G1(points) if points.len() >= rows => Some(Object::G1(combined(points, &columns))),
        Object::G2(points) if points.len() >= rows => Some(Object::G2(combined(points, &columns))),
        _ => None,
    }
}

/// One by one, `left + factor · right`; the factor is 1 or −1.
pub fn add(left: &Object, right: &Object, negate: bool) -> Option<Object> {
    let (Object::G1(left), Object::G1(right)) = (left, right) else { return None };
    if left.len() != right.len() {
        return None;
    }
    let sums: Vec<_> = left.iter().zip(right).map(|(a, b)| if negate { *a - *b } else { *a + *b }).collect();
    Some(Object::G1(CurveGroup::normalize_batch(&sums)))
}

fn scaled<P: AffineRepr<ScalarField = Fr>>(points: &[P], by: Fr) -> Vec<P> {
    P::Group::normalize_batch(&points.iter().map(|point| *point * by).collect::<Vec<_>>())
}

/// Every point times one scalar.
pub fn scale(points: &Object, by: Fr) -> Option<Object> {
    match points {
        _ if by.is_zero() => None,
        Object::G1(points) => Some(Object::G1(scaled(points, by))),
        Object::G2(points) => Some(Object::G2(scaled(points, by))),
        _ => None,
    }
}

/// Coefficients of the polynomial with these values on the domain of as many elements.
pub fn interpolate(values: &[Fr]) -> Option<Vec<Fr>> {
    let domain = GeneralEvaluationDomain::<Fr>::new(values.len())?;
    (domain.size() == values.len()).then(|| domain.ifft(values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::points::encode;
    use crate::setup::{tests::square, Setup};
    use ark_ec::PrimeGroup;
    use ark_ff::{Field, One};

    type G1 = <G1Affine as AffineRepr>::Group;
    type G2 = <G2Affine as AffineRepr>::Group;

    #[test]
    fn combines_powers_into_the_key_that_the_trapdoor_gives() {
        let circuit = square();
        let [tau, alpha, beta] = [3u64, 5, 7].map(Fr::from);
        let mut setup = Setup::begin(&circuit, &[tau, alpha, beta, Fr::one(), Fr::one()]).unwrap();
        while setup.step() > 0 {}
        let key = setup.finish().unwrap();
        let domain = GeneralEvaluationDomain::<Fr>::new(circuit.constraints + circuit.public).unwrap();
        let lagrange = domain.evaluate_all_lagrange_coefficients(tau);
        let points = |factor: Fr| -> Object {
            Object::G1(lagrange.iter().map(|l| (G1::generator() * (*l * factor)).into_affine()).collect())
        };
        let g2 = Object::G2(lagrange.iter().map(|l| (G2::generator() * l).into_affine()).collect());
        let run = |object: Option<Object>| match object {
            Some(Object::G1(points)) => points,
            _ => panic!("no points of G1"),
        };
        assert_eq!(run(combine(&circuit, 0, &points(Fr::one()))), key.a_query);
        assert_eq!(run(combine(&circuit, 1, &points(Fr::one()))), key.b_g1_query);
        let Some(Object::G2(b_g2)) = combine(&circuit, 1, &g2) else { panic!("no points of G2") };
        assert_eq!(b_g2, key.b_g2_query);
        let ab = add(&combine(&circuit, 0, &points(beta)).unwrap(), &combine(&circuit, 1, &points(alpha)).unwrap(), false);
        let all = run(add(&ab.unwrap(), &combine(&circuit, 2, &points(Fr::one())).unwrap(), false));
        assert_eq!(all[..circuit.public], key.vk.gamma_abc_g1);
        assert_eq!(all[circuit.public..], key.l_query);
        let n = domain.size();
        let power = |exponent: usize| (G1::generator() * tau.pow([exponent as u64])).into_affine();
        let (low, high) = ((0..n - 1).map(power).collect(), (n..2 * n - 1).map(power).collect());
        assert_eq!(run(add(&Object::G1(high), &Object::G1(low), true)), key.h_query);
        assert!(combine(&circuit, 3, &g2).is_none());
        assert!(combine(&circuit, 0, &Object::G1(vec![power(1)])).is_none());
    }

    #[test]
    fn combines_many_terms_as_it_does_few() {
        let points: Vec<G1Affine> = (1..200u64).map(|at| (G1::generator() * Fr::from(at)).into_affine()).collect();
        let scalars = |at: usize| if at % 3 == 0 { -Fr::from(at as u64) } else { Fr::from(at as u64).pow([9]) };
        let terms: Vec<_> = (0..points.len()).map(|at| (at, scalars(at))).collect();
        let expected: G1 = terms.iter().map(|(at, scalar)| points[*at] * *scalar).sum();
        assert_eq!(combination(&points, &terms), expected);
        let few: G1 = terms[..20].iter().map(|(at, scalar)| points[*at] * *scalar).sum();
        assert_eq!(combination(&points, &terms[..20]), few);
    }

    #[test]
    fn reads_canonical_points_of_the_group_only() {
        let point = (G2::generator() * Fr::from(77u64)).into_affine();
        let g1 = (G1::generator() * Fr::from(78u64)).into_affine();
        let words = |coordinates: &[Fq]| -> Vec<u8> {
            coordinates.iter().flat_map(|value| value.0 .0).flat_map(u64::to_le_bytes).collect()
        };
        let bytes = words(&[point.x.c0, point.x.c1, point.y.c0, point.y.c1]);
        assert!(matches!(checked_g2(&bytes, Encoding::Montgomery), Some(Object::G2(read)) if read == [point]));
        assert!(matches!(checked_g2(&encode(&[point]), Encoding::Standard), Some(Object::G2(read)) if read == [point]));
        let bytes = words(&[g1.x, g1.y]);
        assert!(matches!(checked_g1(&bytes, Encoding::Montgomery), Some(Object::G1(read)) if read == [g1]));
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            assert!(checked_g1(&altered, Encoding::Montgomery).is_none());
        }
        let too_large = [Fq::MODULUS.0, Fq::MODULUS.0].concat().into_iter().flat_map(u64::to_le_bytes).collect::<Vec<_>>();
        assert!(checked_g1(&too_large, Encoding::Montgomery).is_none());
        assert!(checked_g1(&[0u8; 64], Encoding::Montgomery).is_none());
        assert!(checked_g1(&encode(&[G1Affine::identity()]), Encoding::Standard).is_none());
        // On the twist, outside the subgroup: x = 1 and the like, until the right side is a square.
        let outside = (1u64..)
            .find_map(|x| G2Affine::get_point_from_x_unchecked(Fq2::from(x), true))
            .filter(|point| !point.is_in_correct_subgroup_assuming_on_curve())
            .unwrap();
        assert!(checked_g2(&encode(&[outside]), Encoding::Standard).is_none());
    }

    #[test]
    fn interpolates_on_whole_domains_only() {
        let values = [1u64, 4, 9, 16].map(Fr::from);
        let coefficients = interpolate(&values).unwrap();
        assert_eq!(GeneralEvaluationDomain::<Fr>::new(4).unwrap().fft(&coefficients), values);
        assert!(interpolate(&values[..3]).is_none());
        assert!(scale(&Object::G1(vec![]), Fr::zero()).is_none());
    }
}
