use ark_bn254::Fr;
use ark_ff::Zero;
use ark_groth16::r1cs_to_qap::{evaluate_constraint, LibsnarkReduction, R1CSToQAP};
use ark_poly::GeneralEvaluationDomain;
use ark_relations::utils::matrix::Matrix;

const MAX_VARIABLES: usize = 1 << 22;

/// Rank-1 constraints A·z ∘ B·z = C·z. Variable 0 is one, then the public inputs, then the private ones.
pub struct Circuit {
    pub variables: usize,
    /// Including variable 0.
    pub public: usize,
    pub constraints: usize,
    pub matrices: [Matrix<Fr>; 3],
}

struct Words<'a> {
    bytes: &'a [u8],
}

impl<'a> Words<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.bytes.split_at_checked(len)?;
        self.bytes = tail;
        Some(head)
    }

    fn next(&mut self) -> Option<usize> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?) as usize)
    }

    fn many(&mut self, count: usize) -> Option<Vec<usize>> {
        let bytes = self.take(count.checked_mul(4)?)?;
        Some(bytes.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]) as usize).collect())
    }
}

impl Circuit {
    /// u32 words: variables, public inputs, constraints, coefficients; the coefficients (32 bytes each); then for A,
    /// B and C: the end of each row in the term list, each term's variable, each term's coefficient index.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut words = Words { bytes };
        let (variables, inputs) = (words.next()?, words.next()?);
        let (constraints, coefficients) = (words.next()?, words.next()?);
        let public = inputs.checked_add(1)?;
        if variables > MAX_VARIABLES || constraints > MAX_VARIABLES || public > variables {
            return None;
        }
        let table = crate::scalars(words.take(coefficients.checked_mul(32)?)?)?;
        let a = Self::matrix(&mut words, constraints, variables, &table)?;
        let b = Self::matrix(&mut words, constraints, variables, &table)?;
        let c = Self::matrix(&mut words, constraints, variables, &table)?;
        words.bytes.is_empty().then_some(Self { variables, public, constraints, matrices: [a, b, c] })
    }

    fn matrix(words: &mut Words, rows: usize, variables: usize, table: &[Fr]) -> Option<Matrix<Fr>> {
        let ends = words.many(rows)?;
        let terms = ends.last().copied().unwrap_or(0);
        let columns = words.many(terms)?;
        let values = words.many(terms)?;
        let mut start = 0;
        ends.into_iter()
            .map(|end| {
                let range = start..end;
                start = end;
                let (columns, values) = (columns.get(range.clone())?, values.get(range)?);
                columns
                    .iter()
                    .zip(values)
                    .map(|(&column, &value)| (column < variables).then_some((*table.get(value)?, column)))
                    .collect::<Option<Vec<_>>>()
            })
            .collect()
    }

    /// Index of the first constraint that does not hold, or the number of constraints.
    pub fn first_unsatisfied(&self, assignment: &[Fr]) -> usize {
        let [a, b, c] = &self.matrices;
        (0..self.constraints)
            .find(|&row| {
                let product = evaluate_constraint(&a[row], assignment) * evaluate_constraint(&b[row], assignment);
                !(product - evaluate_constraint(&c[row], assignment)).is_zero()
            })
            .unwrap_or(self.constraints)
    }

    /// Coefficients of the quotient (A·B − C) / Z, one fewer than the domain has elements.
    pub fn quotient(&self, assignment: &[Fr]) -> Option<Vec<Fr>> {
        let mut h = LibsnarkReduction::witness_map_from_matrices::<Fr, GeneralEvaluationDomain<Fr>>(
            &self.matrices,
            self.public,
            self.constraints,
            assignment,
        )
        .ok()?;
        h.pop();
        Some(h)
    }
}
