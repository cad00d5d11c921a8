use super::*;

const BYTES: usize = 1 << 20;
/// What takes a moment takes an interpreter minutes.
const ROUNDS: u32 = if cfg!(miri) { 200 } else { 60_000 };
/// Small enough to be full now and then.
const FILLED: usize = if cfg!(miri) { BYTES / 64 } else { BYTES };

/// Memory for a heap, aligned.
fn memory() -> Vec<u128> {
    vec![0; BYTES / 16]
}

/// Checks the invariants of the module.
fn check(heap: &mut Heap) {
    let (base, top) = (heap.base, heap.top);
    let mut place = size_of::<Heap>().next_multiple_of(UNIT);
    let (mut before, mut was_free, mut free) = (null_mut::<Block>(), false, 0);
    while place < top {
        // SAFETY: the walk ends at `top` if the invariants hold; otherwise an assertion stops it.
        let (block, size, earlier) = unsafe {
            let block = base.add(place).cast::<Block>();
            (block, (*block).size, (*block).before)
        };
        assert_eq!(earlier, before);
        assert!(!(was_free && size & FREE != 0), "free neighbours");
        was_free = size & FREE != 0;
        free += usize::from(was_free);
        before = block;
        place += HEAD + (size & !FREE);
    }
    assert_eq!(place, top);
    assert_eq!(before, heap.last);
    assert!(!was_free, "the last block is free");
    let mut listed = 0;
    for (level, lists) in heap.lists.iter().enumerate() {
        for (step, head) in lists.iter().enumerate() {
            assert_eq!(!head.is_null(), heap.steps[level] & (1 << step) != 0);
            let mut block = *head;
            while !block.is_null() {
                // SAFETY: as above.
                unsafe {
                    assert_eq!(class((*block).size & !FREE), (level, step));
                    assert!((*block).size & FREE != 0);
                    block = (*links(block)).next;
                }
                listed += 1;
            }
        }
    }
    assert_eq!(listed, free);
}

#[test]
fn any_order_of_use_keeps_contents_and_invariants() {
    let mut memory = memory();
    let base = memory.as_mut_ptr().cast::<u8>();
    let (mut random, mut given) = (7_u64, Vec::<(*mut u8, usize, u8)>::new());
    // SAFETY: the memory is aligned, large enough and used by this heap alone; contents are written within their
    // sizes and freed once.
    unsafe {
        Heap::create(base, FILLED);
        let heap = &mut *base.cast::<Heap>();
        for round in 0..ROUNDS {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let bytes = 1 + (random >> 20) as usize % if random.is_multiple_of(50) { 60_000 } else { 900 };
            let mark = round as u8;
            let place = (random >> 40) as usize % given.len().max(1);
            match random % 5 {
                0..=2 if round < ROUNDS / 20 || random % 5 < 2 => {
                    let content = heap.allocate(bytes);
                    if !content.is_null() {
                        assert_eq!(content as usize % UNIT, 0);
                        ptr::write_bytes(content, mark, bytes);
                        given.push((content, bytes, mark));
                    }
                }
                2 | 3 if round >= ROUNDS / 20 && !given.is_empty() => {
                    let (content, bytes, mark) = given.swap_remove(place);
                    assert!(std::slice::from_raw_parts(content, bytes).iter().all(|byte| *byte == mark));
                    heap.release(content);
                }
                4 if !given.is_empty() => {
                    let (content, old, mark) = given[place];
                    let moved = heap.resize(content, bytes);
                    if !moved.is_null() {
                        let kept = std::slice::from_raw_parts(moved, old.min(bytes));
                        assert!(kept.iter().all(|byte| *byte == mark));
                        ptr::write_bytes(moved, mark, bytes);
                        given[place] = (moved, bytes, mark);
                    }
                }
                _ => {}
            }
            if round % 64 == 0 {
                check(heap);
            }
        }
        assert!(heap.refused());
        for (content, ..) in given {
            heap.release(content);
        }
        check(heap);
        assert_eq!(heap.top, size_of::<Heap>().next_multiple_of(UNIT));
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut memory = memory();
    let base = memory.as_mut_ptr().cast::<u8>();
    // SAFETY: as above.
    unsafe {
        Heap::create(base, BYTES);
        let heap = &mut *base.cast::<Heap>();
        for bytes in [BYTES, usize::MAX, usize::MAX - 100, isize::MAX as usize] {
            assert!(heap.allocate(bytes).is_null());
        }
        let content = heap.allocate(100);
        assert!(heap.resize(content, usize::MAX).is_null());
        assert!(!heap.resize(content, 900_000).is_null());
    }
}
