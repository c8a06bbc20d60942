//! The kinds that come with the crate.

use alertwire_catalogue::{Catalogue, check};

#[test]
fn the_built_in_files_pass_their_own_check() {
    let found = check(&[]);
    let text: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "{}", text.join("\n"));
}

#[test]
fn every_kind_has_at_least_two_examples() {
    for kind in Catalogue::builtin().kinds() {
        assert!(kind.examples.len() >= 2, "{}", kind.code);
    }
}

#[test]
fn every_example_is_what_its_records_render_to_or_reads_like_it() {
    let catalogue = Catalogue::builtin();
    for kind in catalogue.kinds() {
        let first = &kind.examples[0];
        let rendered = catalogue.render(&kind.code, &first.records).unwrap();
        let as_written = first.body.replace("\\ Product", "\nProduct");
        assert_eq!(rendered.body, as_written, "{}", kind.code);
        assert_eq!(rendered.fields_header, None, "{}", kind.code);
    }
}
