//! Any keys, in any order, on screens of any size.

use proptest::prelude::*;
use proptest::sample::select;

use super::super::layout::inner_height;
use super::super::{Model, Views};
use super::{image, key, picture, settle};

const KEYS: &[&str] = &[
    "Up",
    "Down",
    "Down",
    "Down",
    "PgUp",
    "PgDn",
    "^u",
    "^d",
    "Home",
    "End",
    "Right",
    "Right",
    "Right",
    "Left",
    "Space",
    "Enter",
    "Enter",
    "Esc",
    "Tab",
    "BackTab",
    "Backspace",
    "[",
    "]",
    "m",
    "1",
    "2",
    "3",
    "/",
    "n",
    "N",
    "e",
    "x",
    "?",
    "a",
    "*",
    "q",
];

const LAYERS: [&str; 3] = [
    "a/ a/b/ a/b/aa=text a/c l->a/b d/ d/1 d/2 d/3 d/4 d/5 d/6 d/7 d/8 d/9",
    "a/b/.wh.aa a/b/new d/.wh..wh..opq d/x e/f/g/h/i",
    "a/.wh.b .wh.l c->e/f z=zzz",
];

/// What holds whatever was done.
fn check(model: &Model<'_>) {
    let tree = &model.tree;
    let lines: Vec<_> = tree.lines(0, usize::MAX).collect();
    assert_eq!(lines.len(), tree.len());
    assert_eq!(tree.selected().map(|line| line.spot), lines.get(tree.cursor()).map(|line| line.spot));
    assert!(tree.is_empty() || tree.selected().is_some());
    let height = inner_height(model.layout.tree).saturating_sub(usize::from(model.find.is_some()));
    if height > 0 && !tree.is_empty() {
        assert!(
            (tree.first..tree.first + height).contains(&tree.cursor()),
            "{} {}",
            tree.first,
            tree.cursor()
        );
        assert!(tree.first == 0 || tree.first + height <= tree.len(), "room is left empty");
    }
    assert!(model.detail.first <= model.detail.lines.len());
    if let Some(find) = &model.find {
        assert!(find.at < find.len().max(1) && find.first <= find.at);
    }
    let layer = model.look().layer.0 as usize;
    assert!(layer < model.views.len() && model.first_layer <= layer);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_keys_leave_a_sound_state(
        keys in prop::collection::vec((select(KEYS), any::<bool>()), 1..60),
        sizes in prop::collection::vec((1u16..130, 1u16..45), 1..4),
    ) {
        let stack = image(&LAYERS);
        let views = Views::new(&stack);
        let mut model = super::model(&views);
        for (no, (name, is_patient)) in keys.iter().enumerate() {
            if let Some(action) = super::action(key(name), model.is_typing()) {
                model.act(action);
            }
            match is_patient {
                true => settle(&mut model),
                false => drop(model.work()),
            }
            // `q` would end it; the state is the same then.
            model.is_over = false;
            let (width, height) = sizes[no * sizes.len() / keys.len()];
            picture(&mut model, width, height);
            check(&model);
        }
    }
}
