use towline_core::{Capabilities, Capability};

#[test]
fn each_capability_is_one_of_its_own() {
    for one in Capability::ALL {
        let alone = Capabilities::of(&[one]);
        assert_eq!(alone.iter().collect::<Vec<_>>(), [one]);
        assert_eq!(alone.without(one), Capabilities::default());
    }
    assert_eq!(
        Capabilities::of(&Capability::ALL).iter().count(),
        Capability::ALL.len()
    );
}
