use std::sync::{
    Arc, Barrier,
    atomic::Ordering,
    mpsc::{Receiver, Sender, channel},
};

use super::{Lane, MAX_PASSED_OVER, Pool, Shared};

/// Puts a job into a queue that has room for it.
fn submit(pool: &mut Pool, lane: Lane, job: impl FnOnce() + Send + 'static) {
    assert!(pool.has_room(lane));
    pool.submit(lane, Box::new(job));
}

/// Submits a job that sends its name.
fn submit_named(pool: &mut Pool, lane: Lane, done: &Sender<(Lane, u32)>, name: u32) {
    let done = done.clone();
    submit(pool, lane, move || done.send((lane, name)).expect("a listener"));
}

/// Keeps a thread busy until the barrier is reached.
fn hold(pool: &mut Pool, lane: Lane) -> Arc<Barrier> {
    let (begun, end) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let hold = (Arc::clone(&begun), Arc::clone(&end));
    submit(pool, lane, move || {
        hold.0.wait();
        hold.1.wait();
    });
    begun.wait();
    end
}

/// A job that must not run. The receiver learns when it is dropped.
fn submit_job_to_drop(pool: &mut Pool, lane: Lane) -> Receiver<()> {
    let (ran, outcome) = channel();
    submit(pool, lane, move || ran.send(()).expect("a listener"));
    outcome
}

/// Stops the pool, and releases the held jobs once their threads are told to stop.
fn stop(mut pool: Pool, told: &[Arc<Shared>], held: &[Arc<Barrier>]) {
    let stopping = std::thread::spawn(move || pool.stop());
    while !told.iter().all(|shared| shared.stopping.load(Ordering::Relaxed)) {
        std::thread::yield_now();
    }
    for end in held {
        end.wait();
    }
    stopping.join().expect("stopped");
}

fn shared(pool: &Pool) -> Arc<Shared> {
    Arc::clone(&pool.running.as_ref().expect("threads").workers.shared)
}

#[test]
fn jobs_of_a_queue_run_in_order_on_one_thread() {
    for lane in Lane::ALL {
        let mut pool = Pool::new(1, 100);
        let (done, results) = channel();
        for number in 0..100 {
            submit_named(&mut pool, lane, &done, number);
        }
        assert_eq!(results.iter().take(100).collect::<Vec<_>>(), (0..100).map(|name| (lane, name)).collect::<Vec<_>>());
        pool.stop();
    }
}

#[test]
fn what_is_to_be_signed_finds_room_and_comes_first() {
    let mut pool = Pool::new(1, 3);
    let (done, results) = channel();
    let end = hold(&mut pool, Lane::Verify);
    for name in 0..3 {
        submit_named(&mut pool, Lane::Verify, &done, name);
    }
    assert!(!pool.has_room(Lane::Verify) && pool.has_room(Lane::Sign));
    for name in 0..3 {
        submit_named(&mut pool, Lane::Sign, &done, name);
    }
    assert!(!pool.has_room(Lane::Sign), "its queue is bounded too");
    assert_eq!((pool.waiting(Lane::Sign), pool.waiting(Lane::Verify)), (3, 3));
    end.wait();
    let order: Vec<_> = results.iter().take(6).collect();
    let (sign, verify) = ([0, 1, 2].map(|name| (Lane::Sign, name)), [0, 1, 2].map(|name| (Lane::Verify, name)));
    assert_eq!(order, [sign, verify].concat());
    pool.stop();
}

#[test]
fn verification_goes_on_however_much_is_signed() {
    let mut pool = Pool::new(1, 100);
    let (done, results) = channel();
    // What was signed before does not count.
    for name in 0..2 * MAX_PASSED_OVER {
        submit_named(&mut pool, Lane::Sign, &done, name);
        assert_eq!(results.recv(), Ok((Lane::Sign, name)));
    }
    let end = hold(&mut pool, Lane::Sign);
    for name in 0..2 * MAX_PASSED_OVER + 2 {
        submit_named(&mut pool, Lane::Sign, &done, name);
    }
    for name in 0..3 {
        submit_named(&mut pool, Lane::Verify, &done, name);
    }
    end.wait();
    drop(done);
    let verified = |(position, (lane, _)): (usize, (Lane, u32))| (lane == Lane::Verify).then_some(position);
    let order: Vec<_> = results.iter().enumerate().filter_map(verified).collect();
    let burst = MAX_PASSED_OVER as usize;
    assert_eq!(order, [burst, 2 * burst + 1, 2 * burst + 4]);
    pool.stop();
}

#[test]
fn deferred_drops_have_no_bound_come_last_and_are_not_counted_among_signatures() {
    let mut pool = Pool::new(1, 1);
    let (done, results) = channel();
    let end = hold(&mut pool, Lane::Verify);
    for name in 0..100 {
        submit_named(&mut pool, Lane::Drop, &done, name);
    }
    assert_eq!([Lane::Sign, Lane::Verify].map(|lane| pool.waiting(lane)), [0, 0]);
    for lane in [Lane::Verify, Lane::Sign] {
        assert!(pool.has_room(lane), "the drops take no room");
        submit_named(&mut pool, lane, &done, 0);
    }
    end.wait();
    let order: Vec<_> = results.iter().take(102).collect();
    let drops = (0..100).map(|name| (Lane::Drop, name));
    assert_eq!(order, [(Lane::Sign, 0), (Lane::Verify, 0)].into_iter().chain(drops).collect::<Vec<_>>());
    pool.stop();
}

#[test]
fn deferred_drops_go_on_however_much_is_signed_and_verified() {
    let mut pool = Pool::new(1, 100);
    let (done, results) = channel();
    let end = hold(&mut pool, Lane::Verify);
    for name in 0..MAX_PASSED_OVER {
        submit_named(&mut pool, Lane::Sign, &done, name);
        submit_named(&mut pool, Lane::Verify, &done, name);
    }
    submit_named(&mut pool, Lane::Drop, &done, 0);
    end.wait();
    let burst = MAX_PASSED_OVER as usize;
    let order: Vec<_> = results.iter().take(2 * burst + 1).map(|(lane, _)| lane).collect();
    // Both lanes were passed over by sixteen signatures; the one of higher priority comes first.
    assert_eq!(order.get(..burst), Some(&[Lane::Sign; MAX_PASSED_OVER as usize][..]));
    assert_eq!(order.get(burst..burst + 2), Some(&[Lane::Verify, Lane::Drop][..]));
    pool.stop();
}

#[test]
fn deferred_drops_that_wait_are_dropped_when_stopped() {
    let mut pool = Pool::new(1, 1);
    let thing = Arc::new(());
    let end = hold(&mut pool, Lane::Verify);
    for _ in 0..10 {
        let thing = Arc::clone(&thing);
        submit(&mut pool, Lane::Drop, move || drop(thing));
    }
    assert_eq!(Arc::strong_count(&thing), 11, "they wait");
    let told = [shared(&pool)];
    stop(pool, &told, &[end]);
    assert_eq!(Arc::strong_count(&thing), 1);
}

#[test]
fn every_job_is_done_once_whatever_the_number_of_threads() {
    for threads in [1, 2, 7] {
        let mut pool = Pool::new(threads, 1000);
        let (done, results) = channel();
        for name in 0..1000 {
            submit_named(&mut pool, if name % 3 == 0 { Lane::Sign } else { Lane::Verify }, &done, name);
        }
        let mut names: Vec<_> = results.iter().take(1000).map(|(_, name)| name).collect();
        names.sort_unstable();
        assert_eq!(names, (0..1000).collect::<Vec<_>>());
        pool.stop();
    }
}

#[test]
fn a_job_that_panics_takes_no_thread_with_it() {
    for lane in Lane::ALL {
        let mut pool = Pool::new(1, 10);
        let (done, results) = channel();
        submit(&mut pool, lane, || panic!("a defect"));
        submit_named(&mut pool, lane, &done, 7);
        assert_eq!(results.recv(), Ok((lane, 7)));
        pool.stop();
    }
}

#[test]
fn queues_are_bounded_and_thrown_away_when_stopped() {
    let mut pool = Pool::new(1, 1);
    let end = hold(&mut pool, Lane::Verify);
    let outcomes = [Lane::Sign, Lane::Verify].map(|lane| {
        let outcome = submit_job_to_drop(&mut pool, lane);
        assert!(!pool.has_room(lane), "one may wait, two may not");
        outcome
    });
    let told = [shared(&pool)];
    stop(pool, &told, &[end]);
    assert!(outcomes.iter().all(|outcome| outcome.recv().is_err()), "neither has run");
}

#[test]
fn threads_of_another_size_do_their_work_unless_all_is_stopped() {
    let mut pool = Pool::new(1, 10);
    let (done, results) = channel();
    let end = hold(&mut pool, Lane::Verify);
    submit_named(&mut pool, Lane::Sign, &done, 1);
    pool.resize(2, 10);
    submit_named(&mut pool, Lane::Sign, &done, 2);
    assert_eq!(results.recv(), Ok((Lane::Sign, 2)), "the new threads do not wait for the old one");
    end.wait();
    assert_eq!(results.recv(), Ok((Lane::Sign, 1)));

    let first = (hold(&mut pool, Lane::Verify), hold(&mut pool, Lane::Verify));
    let mut outcomes = vec![submit_job_to_drop(&mut pool, Lane::Verify)];
    let mut told = vec![shared(&pool)];
    pool.resize(1, 10);
    let second = hold(&mut pool, Lane::Verify);
    outcomes.push(submit_job_to_drop(&mut pool, Lane::Sign));
    told.push(shared(&pool));
    stop(pool, &told, &[first.0, first.1, second]);
    assert!(outcomes.iter().all(|outcome| outcome.recv().is_err()), "none has run");
}
