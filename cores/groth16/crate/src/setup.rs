use crate::circuit::Circuit;
use ark_bn254::{Bn254, Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{scalar_mul::BatchMulPreprocessing, CurveGroup, PrimeGroup};
use ark_ff::{Field, Zero};
use ark_groth16::{ProvingKey, VerifyingKey};
use ark_poly::{EvaluationDomain, GeneralEvaluationDomain};

/// Scalars of every query, and the queries computed so far. One step computes one query.
pub struct Setup {
    scalars: [Vec<Fr>; 4],
    b: Vec<Fr>,
    input_scalars: Vec<Fr>,
    points: Vec<Vec<G1Affine>>,
    b_g2: Option<Vec<G2Affine>>,
    alpha: Fr,
    beta: Fr,
    gamma: Fr,
    delta: Fr,
    g1: BatchMulPreprocessing<G1Projective>,
}

const G1_QUERIES: usize = 4;

impl Setup {
    /// The QAP of libsnark's reduction (what ark-groth16's prover assumes) evaluated at tau. `None` for a trapdoor
    /// that is zero somewhere or whose tau is a root of unity of the domain.
    pub fn begin(circuit: &Circuit, trapdoor: &[Fr]) -> Option<Self> {
        let &[tau, alpha, beta, gamma, delta] = trapdoor else { return None };
        let domain = GeneralEvaluationDomain::<Fr>::new(circuit.constraints + circuit.public)?;
        let vanishing = domain.evaluate_vanishing_polynomial(tau);
        if [tau, alpha, beta, gamma, delta, vanishing].iter().any(Fr::is_zero) {
            return None;
        }
        let lagrange = domain.evaluate_all_lagrange_coefficients(tau);
        let mut abc = [(); 3].map(|()| vec![Fr::zero(); circuit.variables]);
        abc[0][..circuit.public].copy_from_slice(&lagrange[circuit.constraints..circuit.constraints + circuit.public]);
        for (column, matrix) in abc.iter_mut().zip(&circuit.matrices) {
            for (row, weight) in matrix.iter().zip(&lagrange) {
                for (coefficient, index) in row {
                    column[*index] += *weight * coefficient;
                }
            }
        }
        let [a, b, c] = abc;
        let combined = |range: std::ops::Range<usize>, divisor: Fr| -> Vec<Fr> {
            range.map(|i| (beta * a[i] + alpha * b[i] + c[i]) * divisor).collect()
        };
        let delta_inverse = delta.inverse()?;
        let input_scalars = combined(0..circuit.public, gamma.inverse()?);
        let l = combined(circuit.public..circuit.variables, delta_inverse);
        let mut power = vanishing * delta_inverse;
        let h = (0..domain.size() - 1)
            .map(|_| {
                let term = power;
                power *= tau;
                term
            })
            .collect::<Vec<_>>();
        let g1 = BatchMulPreprocessing::new(G1Projective::generator(), 3 * circuit.variables + domain.size());
        let scalars = [a, b.clone(), h, l];
        Some(Self { scalars, b, input_scalars, points: Vec::new(), b_g2: None, alpha, beta, gamma, delta, g1 })
    }

    fn steps_left(&self) -> usize {
        G1_QUERIES - self.points.len() + usize::from(self.b_g2.is_none())
    }

    /// Returns the number of steps left.
    pub fn step(&mut self) -> usize {
        if let Some(scalars) = self.scalars.get(self.points.len()) {
            self.points.push(self.g1.batch_mul(scalars));
        } else if self.b_g2.is_none() {
            let g2 = BatchMulPreprocessing::new(G2Projective::generator(), self.b.len());
            self.b_g2 = Some(g2.batch_mul(&self.b));
        }
        self.steps_left()
    }

    pub fn finish(&mut self) -> Option<ProvingKey<Bn254>> {
        if self.steps_left() > 0 {
            return None;
        }
        let b_g2_query = self.b_g2.take()?;
        let [a_query, b_g1_query, h_query, l_query] = <[_; 4]>::try_from(std::mem::take(&mut self.points)).ok()?;
        let g1 = |scalar: Fr| (G1Projective::generator() * scalar).into_affine();
        let g2 = |scalar: Fr| (G2Projective::generator() * scalar).into_affine();
        Some(ProvingKey {
            vk: VerifyingKey {
                alpha_g1: g1(self.alpha),
                beta_g2: g2(self.beta),
                gamma_g2: g2(self.gamma),
                delta_g2: g2(self.delta),
                gamma_abc_g1: self.g1.batch_mul(&self.input_scalars),
            },
            beta_g1: g1(self.beta),
            delta_g1: g1(self.delta),
            a_query,
            b_g1_query,
            b_g2_query,
            h_query,
            l_query,
        })
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::{assembly::assemble, handles::Object, key::proof_words, points::{encode, sum}};
    use ark_ff::One;
    use ark_groth16::Groth16;
    use ark_relations::utils::matrix::Matrix;

    /// x·x = y with y public.
    pub fn square() -> Circuit {
        let row = |index: usize| -> Matrix<Fr> { vec![vec![(Fr::one(), index)]] };
        Circuit { variables: 3, public: 2, constraints: 1, matrices: [row(2), row(2), row(1)] }
    }

    #[test]
    fn proves_what_arkworks_verifies() {
        let circuit = square();
        let trapdoor = [3u64, 5, 7, 11, 13].map(Fr::from);
        let mut setup = Setup::begin(&circuit, &trapdoor).unwrap();
        assert!(setup.finish().is_none());
        while setup.step() > 0 {}
        let key = setup.finish().unwrap();
        let assignment = [1u64, 9, 3].map(Fr::from);
        assert_eq!(circuit.first_unsatisfied(&assignment), 1);
        assert_eq!(circuit.first_unsatisfied(&[1u64, 9, 4].map(Fr::from)), 0);
        let (r, s) = (Fr::from(17u64), Fr::from(19u64));
        let proof =
            Groth16::<Bn254>::create_proof_with_reduction_and_matrices(&key, r, s, &circuit.matrices, 2, 1, &assignment)
                .unwrap();
        let prepared = ark_groth16::prepare_verifying_key(&key.vk);
        assert!(Groth16::<Bn254>::verify_proof(&prepared, &proof, &[Fr::from(9u64)]).unwrap());
        assert!(!Groth16::<Bn254>::verify_proof(&prepared, &proof, &[Fr::from(10u64)]).unwrap());

        // The same proof from two shares of each sum.
        let sum_g1 = |points: &[G1Affine], scalars: &[Fr]| sum(&Object::G1(points.to_vec()), scalars).unwrap();
        let sum_g2 = |points: &[G2Affine], scalars: &[Fr]| sum(&Object::G2(points.to_vec()), scalars).unwrap();
        let h = circuit.quotient(&assignment).unwrap();
        let mut bytes = encode(&[key.vk.alpha_g1, key.beta_g1, key.delta_g1]);
        bytes.extend(encode(&[key.vk.beta_g2, key.vk.delta_g2]));
        for (queries, aux, quotient) in [(0..1, 0..0, 0..1), (1..3, 0..1, 1..h.len())] {
            let own = &assignment[queries.clone()];
            bytes.extend(sum_g1(&key.a_query[queries.clone()], own));
            bytes.extend(sum_g1(&key.b_g1_query[queries.clone()], own));
            bytes.extend(sum_g1(&key.l_query[aux.clone()], &assignment[2..][aux]));
            bytes.extend(sum_g1(&key.h_query[quotient.clone()], &h[quotient]));
            bytes.extend(sum_g2(&key.b_g2_query[queries], own));
        }
        assert_eq!(assemble(&bytes, r, s).unwrap(), proof_words(&proof.a, &proof.b, &proof.c));
        assert!(assemble(&bytes[1..], r, s).is_none());
    }

    #[test]
    fn refuses_a_trapdoor_that_is_zero_or_in_the_domain() {
        let circuit = square();
        assert!(Setup::begin(&circuit, &[0u64, 5, 7, 11, 13].map(Fr::from)).is_none());
        assert!(Setup::begin(&circuit, &[3u64, 5, 7, 11, 0].map(Fr::from)).is_none());
        assert!(Setup::begin(&circuit, &[1u64, 5, 7, 11, 13].map(Fr::from)).is_none());
        assert!(Setup::begin(&circuit, &[3u64, 5].map(Fr::from)).is_none());
    }
}
