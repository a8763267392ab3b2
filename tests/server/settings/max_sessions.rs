//! Changes of `max-sessions` and `max-sessions-policy` while sessions exist.

use crate::support::{
    Server,
    sessions::{contents, create, exec, get, refused, send},
};

#[test]
fn a_lower_max_sessions_applies_to_new_sessions() {
    let server = Server::start();
    let conn = &mut server.conn();
    let mut alive: Vec<String> = (0..5).map(|_| create(conn, "ada", "{}", &[])).collect();
    exec(conn, &["CONFIG", "SET", "jrs.max-sessions", "2"]);
    assert!(alive.iter().all(|token| get(conn, token).is_some()), "the setting destroys no session");
    let newest = create(conn, "ada", "{}", &[]);
    for evicted in alive.drain(..4) {
        assert!(get(conn, &evicted).is_none());
    }
    assert!(get(conn, &alive[0]).is_some() && get(conn, &newest).is_some(), "the two newest sessions");
    for _ in 0..3 {
        create(conn, "", "{}", &[]);
        create(conn, "bob", "{}", &["EX", "500"]);
    }
    assert_eq!(
        send::<usize>(conn, &["DBSIZE"]).unwrap(),
        2 + 3 + 2,
        "anonymous sessions have no limit, and bob has his own"
    );

    exec(conn, &["CONFIG", "SET", "jrs.max-sessions-policy", "reject"]);
    let before = contents(conn);
    assert_eq!(refused(conn, &["JRS.CREATE", "ada", "{}"]), "TOOMANY");
    let guest = create(conn, "", "{}", &[]);
    assert_eq!(refused(conn, &["JRS.ROTATE", &guest, "OWNER", "ada"]), "TOOMANY");
    assert!(get(conn, &guest).is_some());
    assert_eq!(contents(conn).len(), before.len() + 1);
    let rotated: String = send(conn, &["JRS.ROTATE", &newest]).unwrap();
    assert!(get(conn, &rotated).is_some(), "a rotation adds no session");
    exec(conn, &["JRS.DESTROY", &rotated]);
    create(conn, "ada", "{}", &[]);
    exec(conn, &["CONFIG", "SET", "jrs.max-sessions", "0"]);
    create(conn, "ada", "{}", &[]);
}
