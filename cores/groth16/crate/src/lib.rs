//! Groth16 over BN254 (eprint 2016/260) on arkworks, as a WASM module without imports.
//!
//! Plain C ABI over flat little-endian arrays: the host owns clock, threads and randomness. Objects stay inside and
//! are named by handles. A negative result is an error code below. Nothing here is constant-time.

mod assembly;
mod ceremony;
mod circuit;
mod handles;
mod key;
mod points;
mod setup;

use ark_bn254::{Fr, G1Affine, G2Affine};
use ark_serialize::CanonicalDeserialize;
use ceremony::Encoding;
use circuit::Circuit;
use handles::{insert, remove, with, with_mut, Object};
use key::Key;
use setup::Setup;

const MALFORMED_CIRCUIT: i64 = -1;
const MALFORMED_SCALAR: i64 = -2;
const UNKNOWN_HANDLE: i64 = -3;
const BAD_TRAPDOOR: i64 = -4;
const MALFORMED_POINTS: i64 = -5;
const POINTS_DO_NOT_FIT: i64 = -6;
const PROVER_FAILED: i64 = -7;
const SETUP_NOT_FINISHED: i64 = -8;

/// 32 bytes, little-endian, below the field order.
pub(crate) fn scalars(bytes: &[u8]) -> Option<Vec<Fr>> {
    if bytes.len() % 32 != 0 {
        return None;
    }
    bytes.chunks_exact(32).map(|chunk| Fr::deserialize_uncompressed(chunk).ok()).collect()
}

/// Reserves `len` bytes for the host to write to; the host gives them back with `release`.
#[no_mangle]
pub extern "C" fn reserve(len: usize) -> *mut u8 {
    let mut bytes = Vec::<u8>::with_capacity(len);
    let at = bytes.as_mut_ptr();
    std::mem::forget(bytes);
    at
}

/// # Safety
/// `at` and `len` are those of one `reserve`.
#[no_mangle]
pub unsafe extern "C" fn release(at: *mut u8, len: usize) {
    drop(Vec::from_raw_parts(at, 0, len));
}

unsafe fn input<'a>(at: *const u8, len: usize) -> &'a [u8] {
    std::slice::from_raw_parts(at, len)
}

/// Parses a circuit. Returns its handle.
///
/// # Safety
/// The host wrote `len` bytes at `at`. So for every pointer below.
#[no_mangle]
pub unsafe extern "C" fn load_circuit(at: *const u8, len: usize) -> i64 {
    match Circuit::parse(input(at, len)) {
        Some(circuit) => insert(Object::Circuit(circuit)),
        None => MALFORMED_CIRCUIT,
    }
}

/// Index of the first constraint that the assignment breaks, or the number of constraints when it breaks none.
///
/// # Safety
/// See `load_circuit`.
#[no_mangle]
pub unsafe extern "C" fn first_unsatisfied(circuit: i64, at: *const u8, len: usize) -> i64 {
    let Some(assignment) = scalars(input(at, len)) else { return MALFORMED_SCALAR };
    with(circuit, |object| match object {
        Object::Circuit(circuit) if assignment.len() == circuit.variables => circuit.first_unsatisfied(&assignment) as i64,
        Object::Circuit(_) => MALFORMED_SCALAR,
        _ => UNKNOWN_HANDLE,
    })
}

/// Starts a single-party set-up from tau, alpha, beta, gamma, delta (5 scalars): whoever knows them can forge.
///
/// # Safety
/// See `load_circuit`.
#[no_mangle]
pub unsafe extern "C" fn setup_begin(circuit: i64, at: *const u8, len: usize) -> i64 {
    let Some(trapdoor) = scalars(input(at, len)) else { return MALFORMED_SCALAR };
    let setup = with(circuit, |object| match object {
        Object::Circuit(circuit) => Ok(Setup::begin(circuit, &trapdoor)),
        _ => Err(UNKNOWN_HANDLE),
    });
    match setup {
        Ok(Some(setup)) => insert(Object::Setup(Box::new(setup))),
        Ok(None) => BAD_TRAPDOOR,
        Err(code) => code,
    }
}

/// Does one step of the set-up. Returns the number of steps left.
#[no_mangle]
pub extern "C" fn setup_step(setup: i64) -> i64 {
    with_mut(setup, |object| match object {
        Object::Setup(setup) => setup.step() as i64,
        _ => UNKNOWN_HANDLE,
    })
}

/// Turns a finished set-up into a key, under the same handle.
#[no_mangle]
pub extern "C" fn setup_finish(setup: i64) -> i64 {
    with_mut(setup, |object| {
        let Object::Setup(state) = object else { return UNKNOWN_HANDLE };
        match state.finish() {
            Some(proving) => {
                *object = Object::Key(Box::new(Key { proving }));
                setup
            }
            None => SETUP_NOT_FINISHED,
        }
    })
}

/// Serialises a key. Returns a handle of bytes: see `bytes_at`.
#[no_mangle]
pub extern "C" fn encode_key(key: i64) -> i64 {
    let bytes = with(key, |object| match object {
        Object::Key(key) => Some(key.encode()),
        _ => None,
    });
    bytes.map_or(UNKNOWN_HANDLE, |bytes| insert(Object::Bytes(bytes)))
}

/// The verifying key as words: alpha, beta, gamma, delta, then the input commitments. Returns a handle of bytes.
#[no_mangle]
pub extern "C" fn verifying_key(key: i64) -> i64 {
    let bytes = with(key, |object| match object {
        Object::Key(key) => Some(key.verifying_key_words()),
        _ => None,
    });
    bytes.map_or(UNKNOWN_HANDLE, |bytes| insert(Object::Bytes(bytes)))
}

fn bytes_or(code: i64, bytes: Option<Vec<u8>>) -> i64 {
    bytes.map_or(code, |bytes| insert(Object::Bytes(bytes)))
}

/// Reads a run of uncompressed points of G1 (or G2) as arkworks writes them, without checking that they are on the
/// curve: the host has compared the hash of the key they come from with a pinned one.
///
/// # Safety
/// See `load_circuit`.
#[no_mangle]
pub unsafe extern "C" fn load_points(is_g2: u32, at: *const u8, len: usize) -> i64 {
    let object = if is_g2 != 0 {
        points::parse::<G2Affine>(input(at, len)).map(Object::G2)
    } else {
        points::parse::<G1Affine>(input(at, len)).map(Object::G1)
    };
    object.map_or(MALFORMED_POINTS, insert)
}

/// Σ scalar · point over a run of points. Returns a handle of bytes: one uncompressed point.
///
/// # Safety
/// See `load_circuit`.
#[no_mangle]
pub unsafe extern "C" fn sum_points(points: i64, at: *const u8, len: usize) -> i64 {
    let Some(scalars) = scalars(input(at, len)) else { return MALFORMED_SCALAR };
    bytes_or(POINTS_DO_NOT_FIT, with(points, |points| points::sum(points, &scalars)))
}

/// Coefficients of the quotient polynomial for an assignment. Returns a handle of bytes: scalars. The host has called
/// `first_unsatisfied`: for an assignment that breaks a constraint they mean nothing.
///
/// # Safety
/// See `load_circuit`.
#[no_mangle]
pub unsafe extern "C" fn quotient(circuit: i64, at: *const u8, len: usize) -> i64 {
    let Some(assignment) = scalars(input(at, len)) else { return MALFORMED_SCALAR };
    let result = with(circuit, |object| match object {
        Object::Circuit(circuit) if assignment.len() == circuit.variables => {
            circuit.quotient(&assignment).ok_or(PROVER_FAILED)
        }
        Object::Circuit(_) => Err(MALFORMED_SCALAR),
        _ => Err(UNKNOWN_HANDLE),
    });
    match result {
        Ok(coefficients) => insert(Object::Bytes(points::encode(&coefficients))),
        Err(code) => code,
    }
}

/// The proof from the key's five fixed points and the sums of every thread, blinded by r and s (64 bytes); the layout is
/// described at `assembly::assemble`. Returns a handle of 256 bytes (A, B, C as words).
///
/// # Safety
/// See `load_circuit`.
#[no_mangle]
pub unsafe extern "C" fn assemble(at: *const u8, len: usize, blinding_at: *const u8) -> i64 {
    let Some(blinding) = scalars(input(blinding_at, 64)) else { return MALFORMED_SCALAR };
    bytes_or(MALFORMED_POINTS, assembly::assemble(input(at, len), blinding[0], blinding[1]))
}

fn object_or(code: i64, object: Option<Object>) -> i64 {
    object.map_or(code, insert)
}

/// Reads a run of points of strangers, each checked: canonical, on the curve, in the group of prime order, not at
/// infinity. `is_montgomery` is the encoding of `.ptau` files.
///
/// # Safety
/// See `load_circuit`.
#[no_mangle]
pub unsafe extern "C" fn check_points(is_g2: u32, is_montgomery: u32, at: *const u8, len: usize) -> i64 {
    let encoding = if is_montgomery != 0 { Encoding::Montgomery } else { Encoding::Standard };
    let read = if is_g2 != 0 { ceremony::checked_g2 } else { ceremony::checked_g1 };
    object_or(MALFORMED_POINTS, read(input(at, len), encoding))
}

/// A run of points as arkworks writes them, uncompressed. Returns a handle of bytes.
#[no_mangle]
pub extern "C" fn encode_points(points: i64) -> i64 {
    let bytes = with(points, |object| match object {
        Object::G1(points) => Some(points::encode(points)),
        Object::G2(points) => Some(points::encode(points)),
        _ => None,
    });
    bytes_or(UNKNOWN_HANDLE, bytes)
}

/// For each variable the combination of points by its column of a matrix; see `ceremony::combine`.
#[no_mangle]
pub extern "C" fn combine_points(circuit: i64, matrix: u32, points: i64) -> i64 {
    let combined = with(circuit, |object| match object {
        Object::Circuit(circuit) => with(points, |points| ceremony::combine(circuit, matrix as usize, points)),
        _ => None,
    });
    object_or(POINTS_DO_NOT_FIT, combined)
}

/// Sums (or differences) of two runs of points of G1, one by one.
#[no_mangle]
pub extern "C" fn add_points(left: i64, right: i64, negate: u32) -> i64 {
    let sums = with(left, |left| with(right, |right| ceremony::add(left, right, negate != 0)));
    object_or(POINTS_DO_NOT_FIT, sums)
}

/// Every point times one scalar, which is not zero.
///
/// # Safety
/// See `load_circuit`.
#[no_mangle]
pub unsafe extern "C" fn scale_points(points: i64, scalar_at: *const u8) -> i64 {
    let Some(scalar) = scalars(input(scalar_at, 32)) else { return MALFORMED_SCALAR };
    object_or(POINTS_DO_NOT_FIT, with(points, |points| ceremony::scale(points, scalar[0])))
}

/// Coefficients of the polynomial with these values on the domain of as many elements. Returns a handle of bytes.
///
/// # Safety
/// See `load_circuit`.
#[no_mangle]
pub unsafe extern "C" fn interpolate(at: *const u8, len: usize) -> i64 {
    let Some(values) = scalars(input(at, len)) else { return MALFORMED_SCALAR };
    bytes_or(POINTS_DO_NOT_FIT, ceremony::interpolate(&values).map(|coefficients| points::encode(&coefficients)))
}

/// Where a bytes object lies, for the host to copy; 0 for an unknown handle.
#[no_mangle]
pub extern "C" fn bytes_at(handle: i64) -> *const u8 {
    with(handle, |object| match object {
        Object::Bytes(bytes) => bytes.as_ptr(),
        _ => std::ptr::null(),
    })
}

#[no_mangle]
pub extern "C" fn bytes_length(handle: i64) -> usize {
    with(handle, |object| match object {
        Object::Bytes(bytes) => bytes.len(),
        _ => 0,
    })
}

/// Forgets an object and gives its memory back to the allocator.
#[no_mangle]
pub extern "C" fn forget(handle: i64) {
    remove(handle);
}
