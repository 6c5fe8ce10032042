use towline_core::Usage;

#[test]
fn two_calls_together_used_what_each_of_them_used() {
    let one = Usage::exclusive(5, 3, 2, 4).with_reasoning(1);
    let other = Usage::inclusive(20, 6).with_cache_read(7);
    let sum = Usage::inclusive(30, 10)
        .with_cache_read(10)
        .with_cache_write(2)
        .with_reasoning(1);
    assert_eq!(one.plus(&other), sum);
    assert_eq!(one.plus(&Usage::unknown()), one);
    assert_eq!(Usage::unknown().plus(&one), one);
    let most = Usage::inclusive(u64::MAX, 1);
    assert_eq!(most.plus(&most).input(), Some(u64::MAX), "no overflow");
}
