//! Whether the colours of the style sheet can be told apart, by any kind of sight, and read on.

const STYLE: &str = include_str!("style.css");

/// The colours of layers, by their place.
const COLOURS: usize = 8;

/// What a hue needs to be told from a neighbour's, and from any other's, as a distance in OKLab: one of 0.02 is just seen.
const NEIGHBOURS: f64 = 0.14;
const ANY: f64 = 0.065;

/// WCAG 2.2: of texts (1.4.3), and of parts of a picture (1.4.11).
const TEXT: f64 = 4.5;
const PART: f64 = 3.0;

type Rgb = [f64; 3];
type Matrix = [[f64; 3]; 3];

/// Who lacks one kind of cones: Machado, Oliveira, Fernandes: A Physiologically-based Model for Simulation of Color
/// Vision Deficiency, 2009, severity 1.0; for linear sRGB.
const SIGHTS: [(&str, Matrix); 4] = [
    ("any", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    (
        "protanopia",
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    ),
    (
        "deuteranopia",
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    ),
    (
        "tritanopia",
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    ),
];

fn times(matrix: &Matrix, [r, g, b]: Rgb) -> Rgb {
    matrix.map(|[x, y, z]| x * r + y * g + z * b)
}

/// One of the two schemes: a variable of it is the last that stands in its part of the sheet.
struct Scheme {
    name: &'static str,
    text: String,
}

impl Scheme {
    fn both() -> [Scheme; 2] {
        let sheet = STYLE.split("@media print").next().unwrap();
        let (light, dark) = sheet.split_once("@media screen and (prefers-color-scheme: dark)").unwrap();
        // What the dark one does not name is as in the light one.
        let dark = [light, dark.split("\n}\n").next().unwrap()].concat();
        [Scheme { name: "light", text: light.to_owned() }, Scheme { name: "dark", text: dark }]
    }

    /// A colour, in linear sRGB.
    fn colour(&self, variable: &str) -> Rgb {
        let start = format!("--{variable}: #");
        let at =
            self.text.rfind(&start).unwrap_or_else(|| panic!("{}: no {variable}", self.name)) + start.len();
        let digits = self.text[at..].split(';').next().unwrap();
        assert_eq!(digits.len(), 6, "{variable}: {digits}");
        [0, 2, 4].map(|at| {
            let value = f64::from(u8::from_str_radix(&digits[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        })
    }

    fn layers(&self) -> Vec<Rgb> {
        (0..COLOURS).map(|no| self.colour(&format!("k{no}"))).collect()
    }

    #[track_caller]
    fn assert_contrast(&self, one: &str, other: &str, least: f64) {
        let contrast = contrast(self.colour(one), self.colour(other));
        assert!(contrast >= least, "{}: {one} on {other}: {contrast:.2}", self.name);
    }
}

/// As WCAG 2.2 has it.
fn contrast(one: Rgb, other: Rgb) -> f64 {
    let luminance = |[r, g, b]: Rgb| 0.2126 * r + 0.7152 * g + 0.0722 * b;
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// Björn Ottosson: A perceptual color space for image processing, 2020.
fn oklab(rgb: Rgb) -> Rgb {
    const CONES: Matrix = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ];
    const LAB: Matrix = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ];
    times(&LAB, times(&CONES, rgb).map(f64::cbrt))
}

/// How far two colours are from each other for the sight that tells them apart least, and which that is.
fn distance(one: Rgb, other: Rgb) -> (f64, &'static str) {
    let by_sight = SIGHTS.iter().map(|(sight, matrix)| {
        let seen = |rgb| oklab(times(matrix, rgb).map(|c| c.clamp(0.0, 1.0)));
        let squares = std::iter::zip(seen(one), seen(other)).map(|(a, b)| (a - b).powi(2));
        (squares.sum::<f64>().sqrt(), *sight)
    });
    by_sight.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap()
}

#[test]
fn colours_of_layers_are_told_apart_with_any_kind_of_sight() {
    for scheme in Scheme::both() {
        let colours = scheme.layers();
        for one in 0..COLOURS {
            for other in 0..one {
                // Behind the last comes the first again.
                let are_neighbours = one - other == 1 || one - other == COLOURS - 1;
                let least = if are_neighbours { NEIGHBOURS } else { ANY };
                let (distance, sight) = distance(colours[one], colours[other]);
                assert!(distance >= least, "{} k{one} k{other} {sight}: {distance:.3}", scheme.name);
            }
        }
    }
}

#[test]
fn parts_stand_out_from_the_paper_and_texts_can_be_read_on_all_that_is_below_them() {
    for scheme in Scheme::both() {
        for no in 0..COLOURS {
            let colour = format!("k{no}");
            scheme.assert_contrast(&colour, "paper", PART);
            scheme.assert_contrast(if no % 2 == 0 { "on-deep" } else { "on-bright" }, &colour, TEXT);
        }
        for (text, below) in [
            ("ink", "paper"),
            ("soft", "paper"),
            ("mark", "paper"),
            ("link", "paper"),
            ("ink", "strip"),
            ("soft", "strip"),
            ("ink", "kx"),
        ] {
            scheme.assert_contrast(text, below, TEXT);
        }
        scheme.assert_contrast("worst", "paper", PART);
    }
}

#[test]
fn what_is_known_of_colours_comes_out() {
    let [light, _] = Scheme::both();
    let (black, white) = ([0.0; 3], [1.0; 3]);
    assert!((contrast(black, white) - 21.0).abs() < 1e-9);
    assert!((oklab(white)[0] - 1.0).abs() < 1e-6 && oklab(white)[1].abs() < 1e-6);
    // A red and a green that who sees no green cannot tell apart, and others can.
    let (red, green) = ([0.6, 0.0, 0.0], [0.12, 0.2, 0.0]);
    assert!(distance(red, green).0 < 0.1, "{:?}", distance(red, green));
    assert_eq!(light.colour("k0").len(), 3);
}
