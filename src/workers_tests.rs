use std::sync::{
    Arc, Barrier,
    atomic::Ordering,
    mpsc::{Receiver, Sender, channel},
};

use super::{Lane, SIGNED_IN_A_ROW, Shared, Workers};

/// Puts a job into a queue that has room for it.
fn submit(workers: &mut Workers, lane: Lane, job: impl FnOnce() + Send + 'static) {
    assert!(workers.has_room(lane));
    workers.submit(lane, Box::new(job));
}

/// Puts a job into a queue that tells its name.
fn submit_named(workers: &mut Workers, lane: Lane, done: &Sender<(Lane, u32)>, name: u32) {
    let done = done.clone();
    submit(workers, lane, move || done.send((lane, name)).expect("a listener"));
}

/// Keeps a thread busy until the barrier is reached.
fn hold(workers: &mut Workers) -> Arc<Barrier> {
    hold_by(workers, Lane::Verify)
}

fn hold_by(workers: &mut Workers, lane: Lane) -> Arc<Barrier> {
    let (begun, end) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let hold = (Arc::clone(&begun), Arc::clone(&end));
    submit(workers, lane, move || {
        hold.0.wait();
        hold.1.wait();
    });
    begun.wait();
    end
}

/// A job that must not run; its end is seen all the same.
fn submit_in_vain(workers: &mut Workers, lane: Lane) -> Receiver<()> {
    let (ran, outcome) = channel();
    submit(workers, lane, move || ran.send(()).expect("a listener"));
    outcome
}

/// Stops the workers, and lets the held jobs end when they have been told to.
fn stop(mut workers: Workers, told: &[Arc<Shared>], held: &[Arc<Barrier>]) {
    let stopping = std::thread::spawn(move || workers.stop());
    while !told.iter().all(|shared| shared.stopping.load(Ordering::Relaxed)) {
        std::thread::yield_now();
    }
    for end in held {
        end.wait();
    }
    stopping.join().expect("stopped");
}

fn shared(workers: &Workers) -> Arc<Shared> {
    Arc::clone(&workers.running.as_ref().expect("threads").crew.shared)
}

#[test]
fn jobs_of_a_queue_run_in_order_on_one_thread() {
    for lane in [Lane::Sign, Lane::Verify] {
        let mut workers = Workers::new(1, 100);
        let (done, results) = channel();
        for number in 0..100 {
            submit_named(&mut workers, lane, &done, number);
        }
        assert_eq!(results.iter().take(100).collect::<Vec<_>>(), (0..100).map(|name| (lane, name)).collect::<Vec<_>>());
        workers.stop();
    }
}

#[test]
fn what_is_to_be_signed_finds_room_and_comes_first() {
    let mut workers = Workers::new(1, 3);
    let (done, results) = channel();
    let end = hold(&mut workers);
    for name in 0..3 {
        submit_named(&mut workers, Lane::Verify, &done, name);
    }
    assert!(!workers.has_room(Lane::Verify) && workers.has_room(Lane::Sign));
    for name in 0..3 {
        submit_named(&mut workers, Lane::Sign, &done, name);
    }
    assert!(!workers.has_room(Lane::Sign), "its queue is bounded too");
    assert_eq!((workers.waiting(Lane::Sign), workers.waiting(Lane::Verify)), (3, 3));
    end.wait();
    let order: Vec<_> = results.iter().take(6).collect();
    let (sign, verify) = ([0, 1, 2].map(|name| (Lane::Sign, name)), [0, 1, 2].map(|name| (Lane::Verify, name)));
    assert_eq!(order, [sign, verify].concat());
    workers.stop();
}

#[test]
fn verification_goes_on_however_much_is_signed() {
    let mut workers = Workers::new(1, 100);
    let (done, results) = channel();
    // What was signed before does not count.
    for name in 0..2 * SIGNED_IN_A_ROW {
        submit_named(&mut workers, Lane::Sign, &done, name);
        assert_eq!(results.recv(), Ok((Lane::Sign, name)));
    }
    let end = hold_by(&mut workers, Lane::Sign);
    for name in 0..2 * SIGNED_IN_A_ROW + 2 {
        submit_named(&mut workers, Lane::Sign, &done, name);
    }
    for name in 0..3 {
        submit_named(&mut workers, Lane::Verify, &done, name);
    }
    end.wait();
    drop(done);
    let verified = |(position, (lane, _)): (usize, (Lane, u32))| (lane == Lane::Verify).then_some(position);
    let order: Vec<_> = results.iter().enumerate().filter_map(verified).collect();
    let burst = SIGNED_IN_A_ROW as usize;
    assert_eq!(order, [burst, 2 * burst + 1, 2 * burst + 4]);
    workers.stop();
}

#[test]
fn every_job_is_done_once_whatever_the_number_of_threads() {
    for threads in [1, 2, 7] {
        let mut workers = Workers::new(threads, 1000);
        let (done, results) = channel();
        for name in 0..1000 {
            submit_named(&mut workers, if name % 3 == 0 { Lane::Sign } else { Lane::Verify }, &done, name);
        }
        let mut names: Vec<_> = results.iter().take(1000).map(|(_, name)| name).collect();
        names.sort_unstable();
        assert_eq!(names, (0..1000).collect::<Vec<_>>());
        workers.stop();
    }
}

#[test]
fn a_job_that_panics_takes_no_thread_with_it() {
    for lane in [Lane::Sign, Lane::Verify] {
        let mut workers = Workers::new(1, 10);
        let (done, results) = channel();
        submit(&mut workers, lane, || panic!("a defect"));
        submit_named(&mut workers, lane, &done, 7);
        assert_eq!(results.recv(), Ok((lane, 7)));
        workers.stop();
    }
}

#[test]
fn queues_are_bounded_and_thrown_away_when_stopped() {
    let mut workers = Workers::new(1, 1);
    let end = hold(&mut workers);
    let outcomes = [Lane::Sign, Lane::Verify].map(|lane| {
        let outcome = submit_in_vain(&mut workers, lane);
        assert!(!workers.has_room(lane), "one may wait, two may not");
        outcome
    });
    let told = [shared(&workers)];
    stop(workers, &told, &[end]);
    assert!(outcomes.iter().all(|outcome| outcome.recv().is_err()), "neither has run");
}

#[test]
fn threads_of_another_size_do_their_work_unless_all_is_stopped() {
    let mut workers = Workers::new(1, 10);
    let (done, results) = channel();
    let end = hold(&mut workers);
    submit_named(&mut workers, Lane::Sign, &done, 1);
    workers.resize(2, 10);
    submit_named(&mut workers, Lane::Sign, &done, 2);
    assert_eq!(results.recv(), Ok((Lane::Sign, 2)), "the new threads do not wait for the old one");
    end.wait();
    assert_eq!(results.recv(), Ok((Lane::Sign, 1)));

    let first = (hold(&mut workers), hold(&mut workers));
    let mut outcomes = vec![submit_in_vain(&mut workers, Lane::Verify)];
    let mut told = vec![shared(&workers)];
    workers.resize(1, 10);
    let second = hold(&mut workers);
    outcomes.push(submit_in_vain(&mut workers, Lane::Sign));
    told.push(shared(&workers));
    stop(workers, &told, &[first.0, first.1, second]);
    assert!(outcomes.iter().all(|outcome| outcome.recv().is_err()), "none has run");
}
