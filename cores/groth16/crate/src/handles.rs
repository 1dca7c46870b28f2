use crate::{circuit::Circuit, key::Key, setup::Setup};
use ark_bn254::{G1Affine, G2Affine};
use std::cell::RefCell;

pub enum Object {
    Nothing,
    Circuit(Circuit),
    Setup(Box<Setup>),
    Key(Box<Key>),
    G1(Vec<G1Affine>),
    G2(Vec<G2Affine>),
    Bytes(Vec<u8>),
}

thread_local! {
    static OBJECTS: RefCell<Vec<RefCell<Object>>> = const { RefCell::new(Vec::new()) };
}

/// Stores an object in the first free place. Handles start at 1.
pub fn insert(object: Object) -> i64 {
    OBJECTS.with_borrow_mut(|objects| {
        let free = objects.iter().position(|place| matches!(*place.borrow(), Object::Nothing));
        match free {
            Some(index) => {
                objects[index].replace(object);
                index as i64 + 1
            }
            None => {
                objects.push(RefCell::new(object));
                objects.len() as i64
            }
        }
    })
}

/// Calls `body` with the object, or with `Nothing` for an unknown handle.
pub fn with<R>(handle: i64, body: impl FnOnce(&Object) -> R) -> R {
    OBJECTS.with_borrow(|objects| match usize::try_from(handle - 1).ok().and_then(|index| objects.get(index)) {
        Some(place) => body(&place.borrow()),
        None => body(&Object::Nothing),
    })
}

/// As `with`, to change the object.
pub fn with_mut<R>(handle: i64, body: impl FnOnce(&mut Object) -> R) -> R {
    OBJECTS.with_borrow(|objects| match usize::try_from(handle - 1).ok().and_then(|index| objects.get(index)) {
        Some(place) => body(&mut place.borrow_mut()),
        None => body(&mut Object::Nothing),
    })
}

pub fn remove(handle: i64) {
    with_mut(handle, |object| *object = Object::Nothing);
}
