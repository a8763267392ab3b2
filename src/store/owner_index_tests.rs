use std::collections::BTreeSet;

use proptest::{collection::vec, prelude::*};

use super::{BTreeMap, OwnerIndex, SessionName, Uuid};

const OWNERS: [&[u8]; 3] = [b"sess:{a}:", b"sess:{b}:", b"other:{a}:"];

type Model = BTreeMap<i32, BTreeSet<(usize, u128)>>;

const fn name((owner, uuid): (usize, u128)) -> SessionName<'static> {
    SessionName { prefix: OWNERS[owner], uuid: Uuid::from_u128(uuid) }
}

fn assert_same(index: &mut OwnerIndex, model: &Model) {
    let owners = |keys: &BTreeSet<(usize, u128)>| keys.iter().map(|key| key.0).collect::<BTreeSet<_>>().len();
    for database in 0..2 {
        for (owner, prefix) in OWNERS.into_iter().enumerate() {
            let keys = model.get(&database).into_iter().flatten().filter(|key| key.0 == owner);
            let uuids: Vec<_> = keys.map(|key| Uuid::from_u128(key.1)).collect();
            assert_eq!(index.page(database, prefix, None, 99), uuids);
            assert_eq!(index.count(database, prefix), uuids.len());
            if let [first, rest @ ..] = &*uuids {
                assert_eq!(index.page(database, prefix, Some(*first), 1), &rest[..rest.len().min(1)]);
            }
        }
    }
    // Last, because loaded keys are counted only after they are sorted in.
    let expected = (model.values().map(BTreeSet::len).sum(), model.values().map(owners).sum());
    let totals = index.totals();
    assert_eq!((totals.sessions, totals.owners), expected);
}

proptest! {
    #[test]
    fn it_is_what_a_plain_set_is(steps in vec((0..10_u8, 0..2_i32, (0..3_usize, 0..6_u128)), 0..80)) {
        let (mut index, mut model, mut beside) = (OwnerIndex::default(), Model::new(), None::<Model>);
        for (step, database, key) in steps {
            match step {
                0..3 => {
                    index.add(database, name(key));
                    model.entry(database).or_default().insert(key);
                }
                // Some keys are loaded twice, and some exist already.
                3..5 => {
                    index.add_loaded(database, name(key));
                    beside.as_mut().unwrap_or(&mut model).entry(database).or_default().insert(key);
                }
                5..7 => {
                    index.remove(database, name(key));
                    model.entry(database).or_default().remove(&key);
                }
                7 => {
                    index.swap(0, 1);
                    let (first, second) = (model.remove(&0), model.remove(&1));
                    model.extend(first.map(|keys| (1, keys)).into_iter().chain(second.map(|keys| (0, keys))));
                }
                8 => {
                    drop(index.clear((key.0 > 0).then_some(database)));
                    model.retain(|other, _| key.0 > 0 && *other != database);
                }
                _ => match beside.take() {
                    None => {
                        drop(index.begin_async_load());
                        beside = Some(Model::new());
                    }
                    Some(loaded) => {
                        drop(index.end_async_load(key.0 > 0));
                        model = if key.0 > 0 { loaded } else { model };
                    }
                },
            }
            // Not at every step, so that loaded keys meet others before they are sorted in.
            if key.1 == 0 {
                assert_same(&mut index, &model);
            }
        }
        assert_same(&mut index, &model);
    }
}
