//! What the command line changes: single fields, the load, the whole scenario.

use std::time::Duration;

use streamgauge::scenario::{Arrivals, Content, Load, Overrides, Until, from_message};

use super::{FULL, SMALL, flags, read, set, world};

#[test]
fn a_setting_changes_one_field() {
    let changed = read(
        SMALL,
        &set(&[
            "sessions[0].messages[0]=Bye!",
            "sessions.0.messages.1={text: Really?, think: 2s}",
            "load.once.concurrency=3",
            "thresholds.ttfc{session=session-1}=p(95)<1s",
        ]),
    )
    .unwrap();
    let Content::Inline(messages) = &changed.sessions[0].content else { panic!("inline") };
    assert_eq!((messages[0].text.as_str(), messages[1].text.as_str()), ("Bye!", "Really?"));
    assert_eq!(changed.load, Load::Once { concurrency: 3 });
    assert_eq!(changed.thresholds[0].metric, "ttfc{session=session-1}");
    for (setting, message) in [
        ("load.once.concurency=3", "unknown field `concurency`"),
        ("sessions[5].weight=3", "no item 5"),
        ("sessions.weight=3", "inside a list"),
        ("drain", "sets nothing"),
        ("drain=", "`drain` is empty"),
        ("a..b=1", "not the path"),
        ("drain=[", "not YAML"),
    ] {
        let problems = read(SMALL, &set(&[setting])).unwrap_err();
        assert!(problems.to_string().contains(message), "{setting}: {problems}");
        assert!(problems.to_string().contains("--> --set"), "{setting}: {problems}");
    }
}

#[test]
fn flags_change_the_load_and_say_so_where_they_cannot() {
    let load_of = |text: &str, given: &[(&str, &str)]| read(text, &flags(given)).map(|s| s.load);
    let closed = |users, until| Load::Closed { users, until };
    let minute = || Until::Duration(Duration::from_secs(60));
    assert_eq!(load_of(SMALL, &[("-c", "3")]).unwrap(), Load::Once { concurrency: 3 });
    assert_eq!(load_of(FULL, &[("-c", "3")]).unwrap(), closed(3, minute()));
    assert_eq!(load_of(SMALL, &[("-z", "1m")]).unwrap(), closed(8, minute()));
    assert_eq!(load_of(FULL, &[("-n", "7")]).unwrap(), closed(20, Until::Iterations(7)));
    let Load::Open { rate, arrivals, duration, .. } = load_of(FULL, &[("-r", "5/s")]).unwrap()
    else {
        panic!("-r makes an open load")
    };
    assert_eq!((rate.to_string().as_str(), arrivals), ("5/s", Arrivals::Even));
    assert_eq!(duration, Duration::from_secs(60), "the closed load's own duration");
    let open = format!("{SMALL}load: {{ open: {{ rate: 5/s, duration: 1m, arrivals: poisson }} }}");
    assert!(matches!(
        load_of(&open, &[("-r", "9/s")]).unwrap(),
        Load::Open { arrivals: Arrivals::Poisson, .. }
    ));
    assert_eq!(load_of(&open, &[("-z", "1m"), ("-c", "2")]).unwrap(), closed(2, minute()));
    for (text, given, message) in [
        (open.as_str(), &[("-c", "3")][..], "-c sets the concurrency"),
        (&open, &[("-z", "3s")], "how many users is not said"),
        (SMALL, &[("-r", "5/s")], "how long it goes on is not said"),
        (SMALL, &[("-r", "5/s"), ("-z", "1s"), ("-c", "1")], "-c does not go with -r"),
        (SMALL, &[("-n", "5"), ("-z", "1s")], "cannot be given together"),
        (SMALL, &[("-z", "5")], "has no unit"),
        (SMALL, &[("-c", "many")], "wants a whole number"),
        (SMALL, &[("-H", "x-team")], "is not a header"),
    ] {
        let problems = load_of(text, given).unwrap_err();
        let problem = problems.iter().next().unwrap();
        assert!(problem.message().contains(message), "{given:?}: {problems}");
        assert!(problem.label().unwrap().starts_with('-'), "names the flag: {problems}");
    }
}

#[test]
fn a_message_alone_makes_a_scenario() {
    let target = ("--target", "http://127.0.0.1:1");
    let one = from_message("Hi!", &flags(&[target]), &world()).unwrap();
    assert_eq!(one.load, Load::Once { concurrency: 1 });
    assert_eq!(one.users.ids.len(), 1);
    let ten = from_message("Hi!", &flags(&[target, ("-n", "10"), ("-c", "2")]), &world()).unwrap();
    assert_eq!(ten.load, Load::Closed { users: 2, until: Until::Iterations(10) });
    let problems = from_message("Hi!", &Overrides::default(), &world()).unwrap_err();
    assert!(problems.to_string().contains("there is no --target"), "{problems}");
    let problems = from_message("{{ x }}", &flags(&[target]), &world()).unwrap_err().to_string();
    assert!(problems.contains("--> -m") && problems.contains("names `x`"), "{problems}");
    let problems =
        from_message("Hi!", &flags(&[("--target", "https://h.example")]), &world()).unwrap_err();
    assert!(problems.to_string().contains("--agent-id"), "{problems}");
}
