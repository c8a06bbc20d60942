use alertwire_domain::access::{Role, Scope};
use alertwire_domain::configuration::{Configuration, Delta, Parts, Removed};
use alertwire_domain::user::{Password, PasswordError, User, is_last_admin};
use alertwire_domain::{Secret, Timestamp, UserId};

fn user(number: u8, name: &str, role: Role) -> User {
    User {
        id: UserId::from_bytes([number; 16]),
        name: name.to_owned(),
        role,
        scope: Scope::All,
        password: Secret::new("$argon2id$".to_owned()),
        enabled: true,
        created_at: Timestamp::from_micros(0),
    }
}

fn configuration(users: Vec<User>) -> Configuration {
    Configuration::new(Parts {
        users,
        ..Parts::default()
    })
}

#[test]
fn a_user_is_found_by_name_without_regard_to_case() {
    let known = configuration(vec![user(1, "Anna Smith", Role::Viewer)]);
    assert!(known.user_named(" anna  SMITH").is_some());
    assert!(known.user_named("anna").is_none());
    let removed = Removed {
        users: vec![UserId::from_bytes([1; 16])],
        ..Removed::default()
    };
    let gone = known.changed(Delta {
        removed,
        ..Delta::default()
    });
    assert!(gone.user_named("Anna Smith").is_none() && known.users().count() == 1);
}

#[test]
fn the_last_who_rules_all_is_known() {
    let (one, two) = (user(1, "one", Role::Admin), user(2, "two", Role::Admin));
    let alone = configuration(vec![one.clone(), user(3, "viewer", Role::Viewer)]);
    assert!(is_last_admin(one.id, &alone));
    assert!(!is_last_admin(UserId::from_bytes([3; 16]), &alone));
    assert!(!is_last_admin(
        one.id,
        &configuration(vec![one.clone(), two.clone()])
    ));
    let off = User {
        enabled: false,
        ..two.clone()
    };
    assert!(is_last_admin(
        one.id,
        &configuration(vec![one.clone(), off])
    ));
    let narrow = User {
        scope: Scope::Companies(Vec::new()),
        ..two
    };
    assert!(is_last_admin(
        one.id,
        &configuration(vec![one.clone(), narrow])
    ));
}

#[test]
fn a_password_is_long_and_nothing_else_is_asked_of_it() {
    let parse = |text: &str| Password::parse(Secret::new(text.to_owned()), "anna@example.com");
    assert_eq!(parse("aaaaaaaaaaa").unwrap_err(), PasswordError::TooShort);
    assert!(parse("aaaaaaaaaaaa").is_ok());
    assert!(parse("ääääääääääää").is_ok(), "characters count, not bytes");
    assert!(parse(&"a".repeat(1_024)).is_ok());
    assert_eq!(
        parse(&"a".repeat(1_025)).unwrap_err(),
        PasswordError::TooLong
    );
    assert_eq!(
        parse("ANNA@example.com").unwrap_err(),
        PasswordError::IsName
    );
    assert!(!format!("{:?}", parse("correct horse battery")).contains("horse"));
}
