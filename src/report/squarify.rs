//! Areas in a rectangle, each as near to a square as it goes (Bruls, Huizing, van Wijk: Squarified Treemaps, 2000).

/// A rectangle.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rect {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
    /// Its width.
    pub width: f64,
    /// Its height.
    pub height: f64,
}

/// Divides a rectangle among weights, the largest first; the areas are as the weights.
pub fn squarify(weights: &[u64], whole: Rect) -> Vec<Rect> {
    let sum: f64 = weights.iter().map(|&weight| weight as f64).sum();
    if sum <= 0.0 {
        return vec![Rect { width: 0.0, height: 0.0, ..whole }; weights.len()];
    }
    let scale = whole.width * whole.height / sum;
    let areas: Vec<f64> = weights.iter().map(|&weight| weight as f64 * scale).collect();
    let (mut rects, mut left, mut rest) = (Vec::with_capacity(areas.len()), &*areas, whole);
    while !left.is_empty() {
        let count = row_length(left, rest.width.min(rest.height));
        let (row, others) = left.split_at_checked(count).unwrap_or((left, &[]));
        rest = lay(row, rest, &mut rects);
        left = others;
    }
    rects
}

/// How many areas make the first row along a side: as many as make its worst one no worse.
fn row_length(areas: &[f64], side: f64) -> usize {
    let (mut sum, mut worst, mut largest) = (0.0, f64::INFINITY, 0.0f64);
    for (i, &area) in areas.iter().enumerate() {
        sum += area;
        largest = largest.max(area);
        // Areas come from the largest on: the one that is taken in is the least.
        let with = (side * side * largest / (sum * sum)).max(sum * sum / (side * side * area));
        if i > 0 && (with > worst || with.is_nan()) {
            return i;
        }
        worst = with;
    }
    areas.len()
}

/// Lays a row along the shorter side; what it leaves.
fn lay(row: &[f64], rest: Rect, rects: &mut Vec<Rect>) -> Rect {
    let sum: f64 = row.iter().sum();
    let is_column = rest.width >= rest.height;
    let side = if is_column { rest.height } else { rest.width };
    let depth = if side > 0.0 { sum / side } else { 0.0 };
    let mut at = 0.0;
    for &area in row {
        let length = if depth > 0.0 { area / depth } else { 0.0 };
        rects.push(match is_column {
            true => Rect { x: rest.x, y: rest.y + at, width: depth, height: length },
            false => Rect { x: rest.x + at, y: rest.y, width: length, height: depth },
        });
        at += length;
    }
    match is_column {
        true => Rect { x: rest.x + depth, width: (rest.width - depth).max(0.0), ..rest },
        false => Rect { y: rest.y + depth, height: (rest.height - depth).max(0.0), ..rest },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Rect = Rect { x: 10.0, y: 20.0, width: 600.0, height: 400.0 };

    #[test]
    fn the_example_of_the_paper_comes_out() {
        let rects = squarify(&[6, 6, 4, 3, 2, 2, 1], WHOLE);
        let sizes: Vec<_> = rects.iter().map(|r| (r.width.round(), r.height.round())).collect();
        assert_eq!(sizes[..2], [(300.0, 200.0), (300.0, 200.0)]);
        assert_eq!(sizes[2..4], [(171.0, 233.0), (129.0, 233.0)]);
    }

    #[test]
    fn areas_are_as_the_weights_and_lie_inside() {
        let mut weights: Vec<u64> = (1..200).map(|i: u64| i * i * 7919 % 10_007 + 1).collect();
        weights.sort_by_key(|&weight| std::cmp::Reverse(weight));
        weights.extend([1, 1, 0]);
        let rects = squarify(&weights, WHOLE);
        let scale = 240_000.0 / weights.iter().sum::<u64>() as f64;
        for (weight, rect) in weights.iter().zip(&rects) {
            assert!((rect.width * rect.height - *weight as f64 * scale).abs() < 1e-6, "{weight} {rect:?}");
            assert!(rect.x >= 9.999 && rect.x + rect.width <= 610.001, "{rect:?}");
            assert!(rect.y >= 19.999 && rect.y + rect.height <= 420.001, "{rect:?}");
        }
    }

    #[test]
    fn nothing_and_no_room_are_no_trouble() {
        assert_eq!(squarify(&[], WHOLE), []);
        assert_eq!(squarify(&[0, 0], WHOLE).len(), 2);
        assert_eq!(squarify(&[3, 2], Rect::default()).len(), 2);
        assert!(squarify(&[u64::MAX, u64::MAX, 1], WHOLE).iter().all(|r| r.width.is_finite()));
    }
}
