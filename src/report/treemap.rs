//! The pictures: for each directory its names as areas, two levels of them, each a link to its own picture.
//!
//! They need no script: a link names a picture, and the style sheet shows the one that is named. Heights are in
//! pixels and widths in percent, so that letters have their size on any screen.

use std::io::{self, Write};

use crate::layer::LayerNo;
use crate::text::human_size;
use crate::usage::Sum;

use super::colours::Colours;
use super::html::{Text, grouped, percent};
use super::sizes::Part;
use super::squarify::{Rect, squarify};
use super::views::{View, Views};

/// The width for which areas are laid out, in pixels; it stretches.
const WIDTH: f64 = 1000.0;

/// The height, in pixels.
pub const HEIGHT: f64 = 540.0;

/// Where a directory's name stands, above its areas.
const STRIP: f64 = 19.0;

/// The least directory that shows what is in it.
const LEAST_NESTED: (f64, f64) = (46.0, 52.0);

/// The narrowest and the lowest area that has its name in it.
const LEAST_LABEL: (f64, f64) = (34.0, 15.0);

/// What a letter takes, a little more than it does.
const LETTER: f64 = 6.9;

/// How much narrower the narrowest screen is.
const NARROW: f64 = 0.33;

/// Layers that an area tells it is in, and the least share of it that counts.
const MOST_LAYERS: usize = 6;
const LEAST_SHARE: u64 = 100;

/// Areas too small to be seen are left to what lies below them.
const LEAST_AREA: f64 = 1.1;

/// Writes all pictures, the root's last: it shows while none other is named.
pub fn write(out: &mut dyn Write, views: &Views<'_>, colours: &Colours) -> io::Result<()> {
    for (no, view) in views.iter().rev() {
        Picture { views, colours, path: views.path(no) }.write(out, no, view)?;
    }
    Ok(())
}

/// An area and what stands in it.
struct Area<'a> {
    rect: Rect,
    name: &'a [u8],
    /// What is said of it: its path from the picture's directory on, or of how many names it is.
    title: String,
    sum: &'a Sum,
    /// The picture it leads to.
    view: Option<usize>,
    form: Form,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    File,
    /// A directory that is one area.
    Dir,
    /// A directory with its own areas in it.
    Nest,
    /// Names that are too small for areas of their own.
    Rest,
}

struct Picture<'a> {
    views: &'a Views<'a>,
    colours: &'a Colours,
    path: Vec<u8>,
}

impl Picture<'_> {
    fn write(&self, out: &mut dyn Write, no: usize, view: &View<'_>) -> io::Result<()> {
        let class = if no == 0 { "view root" } else { "view" };
        writeln!(out, "<section class=\"{class}\" id=\"d{no}\">")?;
        self.write_way(out, no, view)?;
        write!(
            out,
            "<svg width=\"100%\" height=\"{HEIGHT}\" role=\"group\" aria-label=\"Sizes in {}\">",
            Text::back(&shown(&self.path), 200)
        )?;
        let whole = Rect { x: 0.0, y: 0.0, width: WIDTH, height: HEIGHT };
        for area in self.areas(view, whole, b"") {
            self.write_area(out, &area)?;
            let nested = area.view.filter(|_| area.form == Form::Nest).and_then(|no| self.views.get(no));
            let Some(nested) = nested else { continue };
            let inner = Rect { y: area.rect.y + STRIP, height: area.rect.height - STRIP, ..area.rect };
            for area in self.areas(nested, inner, area.name) {
                let form = if area.form == Form::Nest { Form::Dir } else { area.form };
                self.write_area(out, &Area { form, ..area })?;
            }
        }
        writeln!(out, "</svg></section>")
    }

    /// The names above, each a link, and what is in this one.
    fn write_way(&self, out: &mut dyn Write, no: usize, view: &View<'_>) -> io::Result<()> {
        write!(out, "<nav class=\"way\" aria-label=\"Path\">")?;
        for step in self.views.way(no) {
            let name: &[u8] = self.views.get(step).map_or(b"", |view| &view.part.name);
            let (name, slash) = (Text::front(name, 40), if step == 0 || step == no { "" } else { "/" });
            let name = if step == 0 { "/".to_owned() } else { name.to_string() };
            match step == no {
                true => write!(out, "<b aria-current=\"location\">{name}</b>")?,
                false => write!(out, "<a href=\"#d{step}\">{name}{slash}</a>")?,
            }
        }
        let sum = &view.part.sum;
        let inside = sum.names - u64::from(no != 0);
        writeln!(out, " <span>{} in {}</span></nav>", human_size(sum.bytes), names(inside))
    }

    /// The areas of a directory's names; `above` is its name, in the picture of another.
    fn areas<'b>(&self, view: &View<'b>, rect: Rect, above: &[u8]) -> Vec<Area<'b>> {
        let part = view.part;
        let mut weights: Vec<u64> = part.children.iter().map(|child| child.sum.bytes).collect();
        // In the order of sizes, as is all else.
        let at = weights.partition_point(|&weight| weight >= part.rest.bytes);
        if part.rest.bytes > 0 {
            weights.insert(at, part.rest.bytes);
        }
        let mut rects = squarify(&weights, rect);
        let rest = (part.rest.bytes > 0).then(|| rects.remove(at));
        let children = part.children.iter().zip(&view.children).zip(rects);
        let mut areas: Vec<Area<'b>> =
            children.map(|((child, &view), rect)| self.area(child, view, rect, above)).collect();
        areas.extend(rest.map(|rect| self.rest(part, rect, above)));
        areas.retain(|area| area.rect.width * area.rect.height >= LEAST_AREA);
        areas
    }

    fn area<'b>(&self, part: &'b Part, view: Option<usize>, rect: Rect, above: &[u8]) -> Area<'b> {
        let has_room = rect.width >= LEAST_NESTED.0 && rect.height >= LEAST_NESTED.1;
        let form = match part.is_dir {
            true if view.is_some() && has_room => Form::Nest,
            true => Form::Dir,
            false => Form::File,
        };
        let path = join(&[&self.path, above, &part.name]);
        let inside = if part.is_dir { format!(" · {}", names(part.sum.names - 1)) } else { String::new() };
        let title = format!("{}{inside}", Text::back(&shown(&path), 120));
        Area { rect, name: &part.name, title, sum: &part.sum, view, form }
    }

    fn rest<'b>(&self, part: &'b Part, rect: Rect, above: &[u8]) -> Area<'b> {
        let dir = shown(&join(&[&self.path, above]));
        let title = format!("other {} in {}", names(part.rest.names), Text::back(&dir, 120));
        Area { rect, name: b"", title, sum: &part.rest, view: None, form: Form::Rest }
    }

    fn write_area(&self, out: &mut dyn Write, area: &Area<'_>) -> io::Result<()> {
        let Rect { x, y, width, height } = area.rect;
        let layers = Layers::of(area.sum);
        let colour = self.colours.class(layers.first());
        let form = match area.form {
            Form::File => "",
            Form::Dir => " dir",
            Form::Nest => " nest",
            Form::Rest => " rest",
        };
        // A link's name, for who does not see it, is the title that stands in it first; that of others, too.
        let role = if area.view.is_none() { " role=\"img\"" } else { "" };
        let (x, width) = (x / WIDTH * 100.0, width / WIDTH * 100.0);
        write!(
            out,
            "<svg class=\"c {colour}{form}\"{role} data-y=\"{}\" x=\"{x:.2}%\" y=\"{y:.1}\" width=\"{width:.2}%\" height=\"{height:.1}\">",
            layers.numbers(" "),
        )?;
        if let Some(view) = area.view {
            write!(out, "<a href=\"#d{view}\">")?;
        }
        let share = layers.told(area.sum);
        let size = human_size(area.sum.bytes);
        write!(
            out,
            "<title>{} · {size} · {share}</title><rect width=\"100%\" height=\"100%\"/>",
            area.title
        )?;
        self.write_label(out, area, &layers)?;
        writeln!(out, "{}</svg>", if area.view.is_some() { "</a>" } else { "" })
    }

    fn write_label(&self, out: &mut dyn Write, area: &Area<'_>, layers: &Layers) -> io::Result<()> {
        let Rect { width, height, .. } = area.rect;
        if width < LEAST_LABEL.0 || height < LEAST_LABEL.1 {
            return Ok(());
        }
        let letters = ((width - 9.0) / LETTER) as usize;
        let rest = format!("other {}", names(area.sum.names));
        let slash = if matches!(area.form, Form::Dir | Form::Nest) { "/" } else { "" };
        let label = match area.form {
            Form::Rest => Text::front(rest.as_bytes(), letters).to_string(),
            _ => format!("{}{slash}", Text::front(area.name, letters.saturating_sub(slash.len()))),
        };
        let y = if height < STRIP { (height / 2.0 + 4.0).round() } else { 14.0 };
        let narrow = |letters: usize| letters as f64 * LETTER + 9.0 > width * NARROW;
        // Names are counted as they are shown, or nearly so.
        let length = label.chars().count();
        let wide = if narrow(length.min(7)) { " class=\"wide\"" } else { "" };
        write!(out, "<text x=\"5\" y=\"{y}\"{wide}>{label}</text>")?;
        let size = human_size(area.sum.bytes);
        if area.form == Form::Nest {
            let needed = (length + size.len() + 2) as f64 * LETTER + 12.0;
            if needed < width {
                let wide = if needed > width * NARROW { " wide" } else { "" };
                write!(out, "<text x=\"100%\" dx=\"-5\" y=\"{y}\" class=\"size end{wide}\">{size}</text>")?;
            }
        } else if height >= 34.0 && size.len() <= letters {
            let wide = if narrow(size.len()) { " wide" } else { "" };
            write!(out, "<text x=\"5\" y=\"29\" class=\"size{wide}\">{size}")?;
            // Not by its colour alone.
            let more = format!(" · {}", layers.label());
            if size.len() + more.chars().count() <= letters {
                let wide = if narrow(size.len() + more.chars().count()) { " class=\"wide\"" } else { "" };
                write!(out, "<tspan{wide}>{more}</tspan>")?;
            }
            write!(out, "</text>")?;
        }
        Ok(())
    }
}

/// The layers that an area is in, the most first.
struct Layers(Vec<(LayerNo, u64)>);

impl Layers {
    /// Those that make a share that counts; one in any case.
    fn of(sum: &Sum) -> Layers {
        let mut layers = sum.layers.largest_first();
        let counting = layers.iter().take_while(|(_, bytes)| *bytes >= sum.bytes / LEAST_SHARE).count();
        layers.truncate(counting.clamp(1, MOST_LAYERS));
        Layers(layers)
    }

    fn first(&self) -> LayerNo {
        self.0.first().map_or(LayerNo(0), |&(layer, _)| layer)
    }

    fn numbers(&self, between: &str) -> String {
        let numbers: Vec<String> = self.0.iter().map(|(layer, _)| layer.to_string()).collect();
        numbers.join(between)
    }

    fn label(&self) -> String {
        match self.0.len() {
            1 => format!("layer {}", self.numbers("")),
            _ => format!("layers {}", self.numbers(", ")),
        }
    }

    /// The first, and its share if there are others.
    fn told(&self, sum: &Sum) -> String {
        match self.0.first() {
            Some(&(layer, bytes)) if bytes < sum.bytes => {
                let others = self.0.iter().skip(1);
                let others: String = others
                    .map(|&(no, bytes)| format!(", layer {no}: {}", percent(bytes, sum.bytes)))
                    .collect();
                format!("layer {layer}: {}{others}", percent(bytes, sum.bytes))
            }
            _ => format!("layer {}", self.first()),
        }
    }
}

fn join(parts: &[&[u8]]) -> Vec<u8> {
    let parts: Vec<&[u8]> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    parts.join(&b'/')
}

fn shown(path: &[u8]) -> Vec<u8> {
    [b"/", path].concat()
}

fn names(count: u64) -> String {
    let noun = if count == 1 { "name" } else { "names" };
    format!("{} {noun}", grouped(count))
}
