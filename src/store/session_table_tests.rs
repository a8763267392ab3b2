use proptest::{collection::vec, prelude::*};

use super::{BTreeSet, Entry, FILL, MOST_IN_BUCKET, SessionTable, Uuid, mem};

fn entry(owner: u16, uuid: u128) -> Entry {
    let [high, low] = owner.to_be_bytes();
    ([low, high, 0, 0, low, high], Uuid::from_u128(uuid))
}

fn assert_same(table: &mut SessionTable, model: &BTreeSet<Entry>) {
    assert_eq!(table.entries().collect::<BTreeSet<_>>(), *model);
    assert_eq!(table.len(), model.len());
    let owners: BTreeSet<_> = model.iter().map(|entry| entry.0).collect();
    assert_eq!(table.owners(), owners.len());
    for owner in owners {
        let uuids: Vec<_> = model.iter().filter(|entry| entry.0 == owner).map(|entry| entry.1).collect();
        assert_eq!(table.count(owner), uuids.len());
        assert_eq!(table.page(owner, None, usize::MAX), uuids);
        let last = uuids[uuids.len() / 2];
        let after: Vec<_> = uuids.into_iter().filter(|uuid| *uuid > last).collect();
        assert_eq!(table.page(owner, Some(last), 2), after[..after.len().min(2)]);
    }
}

/// Few buckets are empty, and none is long.
fn assert_balanced(table: &SessionTable) {
    let range = (table.sessions.div_ceil(FILL), 4 * table.sessions / FILL + 2);
    assert!((range.0..=range.1).contains(&table.buckets), "{} buckets for {}", table.buckets, table.sessions);
    assert_eq!(table.blocks.iter().map(Vec::len).sum::<usize>(), table.buckets);
}

proptest! {
    #[test]
    fn it_is_what_a_plain_set_is(steps in vec((0..8_u8, 0..40_u16, 0..3_u128), 0..150)) {
        let (mut table, mut model) = (SessionTable::default(), BTreeSet::new());
        for (step, owner, uuid) in steps {
            match step {
                0..3 => {
                    table.add(entry(owner, uuid));
                    model.insert(entry(owner, uuid));
                }
                3 => {
                    table.add_loaded(entry(owner, uuid));
                    model.insert(entry(owner, uuid));
                }
                // An owner with many sessions.
                4 => for uuid in 0..uuid * 20 {
                    table.add(entry(owner, uuid));
                    model.insert(entry(owner, uuid));
                },
                5 => for entry in mem::take(&mut model) {
                    if entry.0[0] % 4 == 0 { table.remove(entry) } else { model.extend([entry]) }
                },
                _ => {
                    table.remove(entry(owner, uuid));
                    model.remove(&entry(owner, uuid));
                }
            }
        }
        table.settle();
        assert_same(&mut table, &model);
        // A set built in another order is equal; a set with one entry less or with another entry is not.
        let mut other = SessionTable::default();
        model.iter().rev().for_each(|entry| other.add_loaded(*entry));
        other.settle();
        prop_assert!(table == other);
        if let Some(first) = model.first() {
            other.remove(*first);
            prop_assert!(table != other);
            other.add((first.0, Uuid::max()));
            prop_assert!(table != other);
        }
    }
}

#[test]
fn buckets_come_and_go_with_the_entries() {
    let (mut table, most) = (SessionTable::default(), 20_000);
    for owner in 0..most {
        table.add(entry(owner, 1));
    }
    assert_balanced(&table);
    assert!(
        table.blocks.iter().flatten().all(|bucket| bucket.len() <= 2 * FILL),
        "what hashes evenly is spread evenly"
    );
    for owner in 0..most {
        table.remove(entry(owner, 1));
    }
    assert_eq!((table.len(), table.owners(), table.entries().count()), (0, 0, 0));
    assert_balanced(&table);
}

#[test]
fn an_owner_with_many_sessions_leaves_the_bucket() {
    let mut table = SessionTable::default();
    let most = MOST_IN_BUCKET as u128;
    for uuid in (0..=most).chain(0..=most) {
        table.add(entry(1, uuid));
        table.add(entry(2, 7));
    }
    assert_eq!((table.len(), table.owners(), table.trees.len()), (MOST_IN_BUCKET + 2, 2, 1));
    assert_eq!(table.blocks.iter().flatten().flatten().count(), 1, "the other owner's");
    for uuid in 0..=most {
        assert!(table.contains(&entry(1, uuid)));
        table.remove(entry(1, uuid));
        table.remove(entry(1, uuid));
    }
    assert_eq!((table.len(), table.owners(), table.trees.len()), (1, 1, 0));
}
