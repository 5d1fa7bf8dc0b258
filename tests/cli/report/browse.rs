//! The page as people use it, in a browser: with a mouse, with keys, without scripts, on a telephone.

use std::fs;
use std::path::PathBuf;

use serde_json::json;
use tempfile::TempDir;

use super::super::app;
use super::{evil, page, wasteful};
use crate::support::browser::{self, Browser};
use crate::support::need::need;

/// The picture that shows; the area of a label in it; what its layer's highlight makes of it.
const TOOLS: &str = "
    globalThis.shown = () => [...document.querySelectorAll('.view')].find(view => view.checkVisibility());
    globalThis.area = (label) => [...shown().querySelectorAll('.c')]
        .find(area => area.querySelector('text')?.textContent === label);
    globalThis.strength = (label) => Number(getComputedStyle(area(label).querySelector('rect')).fillOpacity);
    globalThis.way = () => shown().querySelector('.way').innerText;
    globalThis.said = () => document.querySelector('.said').textContent;";

/// A page of an image, opened.
fn opened(browser: &mut Browser, dir: &TempDir, image: &str) -> PathBuf {
    let path = dir.path().join("page.html");
    fs::write(&path, page(&dir.path().join(image))).unwrap();
    browser.open(&path);
    browser.eval(TOOLS);
    path
}

/// The path above the picture that shows.
#[track_caller]
fn assert_way(browser: &mut Browser, path: &str) {
    browser.wait_for(&format!("way().startsWith({path:?} + ' ')"));
    assert_eq!(
        browser.eval("[...document.querySelectorAll('.view')].filter(v => v.checkVisibility()).length"),
        1
    );
}

#[test]
fn a_click_on_a_directory_looks_into_it_and_the_way_leads_back() {
    need!(browser::is_available(), "no chromium");
    let (dir, mut browser) = (wasteful(), Browser::new());
    opened(&mut browser, &dir, "app.tar");
    assert_way(&mut browser, "/");
    browser.click("area('usr/').querySelector('text')");
    assert_way(&mut browser, "/usr");
    assert_eq!(browser.text("way()"), "/usr 127.9 KiB in 5 names");
    let top = browser.eval("scrollY");
    browser.click("area('lib/').querySelector('text')");
    assert_way(&mut browser, "/usr/lib");
    assert_eq!(browser.eval("scrollY"), top, "the page stays where it is");
    let labels =
        browser.eval("[...shown().querySelectorAll('.c')].map(a => a.querySelector('text').textContent)");
    assert_eq!(labels, json!(["large", "more"]));
    browser.eval("history.back()");
    assert_way(&mut browser, "/usr");
    browser.eval("history.forward()");
    assert_way(&mut browser, "/usr/lib");
    browser.click("[...shown().querySelectorAll('.way a')].find(a => a.innerText === '/')");
    assert_way(&mut browser, "/");
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn what_is_pointed_at_is_said_and_its_layers_are_marked() {
    need!(browser::is_available(), "no chromium");
    let (dir, mut browser) = (wasteful(), Browser::new());
    opened(&mut browser, &dir, "app.tar");
    browser.point_at("area('lib/')");
    assert_eq!(browser.text("said()"), "/usr/lib · 2 names · 97.7 KiB · layer 0: 60.0 %, layer 1: 40.0 %");
    let marked = "[...document.querySelectorAll('.legend .on')].map(number => number.textContent)";
    assert_eq!(browser.eval(marked), json!(["0", "1"]));
    browser.point_at("document.querySelector('footer')");
    assert_eq!((browser.text("said()"), browser.eval(marked)), (String::new(), json!([])));
}

#[test]
fn a_layer_that_is_pointed_at_or_pressed_stands_out() {
    need!(browser::is_available(), "no chromium");
    let (dir, mut browser) = (wasteful(), Browser::new());
    opened(&mut browser, &dir, "app.tar");
    let strengths = |browser: &mut Browser| {
        ["strength('lib/')", "strength('bin/')"].map(|of| browser.eval(of).as_f64().unwrap())
    };
    assert_eq!(strengths(&mut browser), [1.0, 1.0]);
    // /usr/lib is in the layers 0 and 1, /usr/bin in 2.
    for (layer, are) in [(0, [1.0, 0.2]), (1, [1.0, 0.2]), (2, [0.2, 1.0])] {
        for place in [".layers li", ".legend .no", ".all .l"] {
            let place = format!("document.querySelector('{place}[data-y=\"{layer}\"]')");
            browser.point_at(&place);
            assert_eq!(strengths(&mut browser), are, "{place}");
            browser.point_at("document.querySelector('footer')");
            assert_eq!(strengths(&mut browser), [1.0, 1.0], "{place}");
            browser.click(&place.replace(".layers li", ".layers .no"));
            browser.point_at("document.querySelector('footer')");
            assert_eq!(strengths(&mut browser), are, "{place}");
            let pressed = "[...document.querySelectorAll('[aria-pressed=true]')].map(e => e.textContent)";
            assert_eq!(browser.eval(pressed), json!([layer.to_string(), layer.to_string()]));
            assert!(browser.text("said()").contains(&format!("bytes of layer {layer} stands out")));
            browser.press("Escape");
            assert_eq!((strengths(&mut browser), browser.eval(pressed)), ([1.0, 1.0], json!([])));
        }
    }
}

#[test]
fn a_layer_of_which_there_is_nothing_to_be_seen_says_so() {
    need!(browser::is_available(), "no chromium");
    let (dir, mut browser) = (wasteful(), Browser::new());
    opened(&mut browser, &dir, "app.tar");
    browser.click("document.querySelector('.legend .no[data-y=\"2\"]')");
    assert!(browser.text("said()").starts_with("What has bytes of layer 2 stands out."));
    browser.click("area('lib/').querySelector('text')");
    assert_way(&mut browser, "/usr/lib");
    browser.wait_for("said().startsWith('No area here is of layer 2,')");
    assert_eq!(browser.eval("[strength('large'), strength('more')]"), json!([0.2, 0.2]));
    browser.press("Escape");
    assert_eq!(browser.eval("[strength('large'), strength('more'), said()]"), json!([1, 1, ""]));
    assert_way(&mut browser, "/usr/lib");
}

#[test]
fn keys_do_what_a_mouse_does() {
    need!(browser::is_available(), "no chromium");
    let (dir, mut browser) = (wasteful(), Browser::new());
    opened(&mut browser, &dir, "app.tar");
    browser.tab_to("document.activeElement.matches('.layers .no[data-y=\"2\"]')");
    assert_eq!(browser.eval("strength('lib/')"), 0.2, "the focus shows as the mouse does");
    browser.press("Enter");
    browser.tab_to("document.activeElement.matches('.legend .no[data-y=\"2\"]')");
    assert_eq!(browser.eval("document.activeElement.getAttribute('aria-pressed')"), "true");
    browser.press(" ");
    assert_eq!(browser.eval("document.activeElement.getAttribute('aria-pressed')"), "false");
    browser.tab_to("document.activeElement === area('usr/').querySelector('a')");
    assert_eq!(
        browser.text("said()"),
        "/usr · 5 names · 127.9 KiB · layer 0: 45.8 %, layer 1: 30.5 %, layer 2: 23.7 %"
    );
    let stroke = "getComputedStyle(document.activeElement.querySelector('rect')).strokeWidth";
    assert_eq!(browser.eval(stroke), "6px", "the focus is seen");
    browser.press("Enter");
    assert_way(&mut browser, "/usr");
    browser
        .wait_for("document.activeElement.matches('.way b') && document.activeElement.innerText === 'usr'");
    browser.press("Tab");
    assert_eq!(browser.eval("shown().contains(document.activeElement)"), true, "it goes on in the picture");
    browser.press("Enter");
    assert_way(&mut browser, "/usr/lib");
    // There are only files: the first is a stop, and arrows go on to the others.
    browser.wait_for("document.activeElement.innerText === 'lib'");
    browser.press("Tab");
    for (key, said) in [
        ("ArrowRight", "/usr/lib/more · 39.1 KiB · layer 1"),
        ("ArrowRight", "/usr/lib/more · 39.1 KiB · layer 1"),
        ("ArrowLeft", "/usr/lib/large · 58.6 KiB · layer 0"),
    ] {
        browser.press(key);
        assert_eq!(browser.text("said()"), said);
    }
    for path in ["/usr", "/"] {
        browser.press("Escape");
        assert_way(&mut browser, path);
    }
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn who_hears_the_page_hears_what_others_see() {
    need!(browser::is_available(), "no chromium");
    let (dir, mut browser) = (wasteful(), Browser::new());
    opened(&mut browser, &dir, "app.tar");
    let names = |browser: &mut Browser| -> Vec<String> {
        let tree = browser.call("Accessibility.getFullAXTree", json!({}));
        let nodes = tree["nodes"].as_array().unwrap().iter().filter(|node| node["ignored"] != true);
        let text = |value: &serde_json::Value| value["value"].as_str().unwrap_or_default().to_owned();
        nodes.map(|node| [text(&node["role"]), text(&node["name"])].join(" ")).collect()
    };
    let heard = names(&mut browser);
    for name in [
        "heading app:1",
        "heading Layers",
        "image The layers, base first, by size",
        "button layer 2",
        "navigation Path",
        "link /usr · 5 names · 127.9 KiB · layer 0: 45.8 %, layer 1: 30.5 %, layer 2: 23.7 %",
    ] {
        assert!(heard.iter().any(|heard| heard == name), "no {name}: {heard:#?}");
    }
    browser.eval("location.hash = area('bin/').querySelector('a').getAttribute('href')");
    assert_way(&mut browser, "/usr/bin");
    let heard = names(&mut browser);
    assert!(heard.iter().any(|heard| heard == "image /usr/bin/tool · 30.3 KiB · layer 2"), "{heard:#?}");
}

#[test]
fn without_scripts_all_can_be_read_and_looked_into() {
    need!(browser::is_available(), "no chromium");
    let (dir, mut browser) = (wasteful(), Browser::new());
    browser.allow_scripts(false);
    opened(&mut browser, &dir, "app.tar");
    assert_eq!(browser.eval("document.querySelectorAll('[role=button]').length"), 0, "ours did not run");
    let text = browser.text("document.body.innerText");
    for part in ["97.7 KiB · layers 0, 1", "step 1", "/srv/gone", "deleted by layer", "History", "CMD"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let widths = browser.eval("[...document.querySelectorAll('.layers .bar rect:first-child')].map(r => r.getBoundingClientRect().width > 1)");
    assert_eq!(widths, json!([true, true, true]));
    browser.click("area('usr/').querySelector('text')");
    assert_way(&mut browser, "/usr");
    browser.click("shown().querySelector('.way a')");
    assert_way(&mut browser, "/");
}

#[test]
fn nothing_leaves_the_page_and_nothing_is_complained_of() {
    need!(browser::is_available(), "no chromium");
    let mut browser = Browser::new();
    for (dir, image) in [(wasteful(), "app.tar"), (evil(), "image.tar"), (app(), "app.tar")] {
        let path = opened(&mut browser, &dir, image);
        assert_eq!(browser.complaints(), [""; 0]);
        assert_eq!(browser.requests(), [format!("file://{}", path.display())]);
    }
    // What would get in all the same is refused: pictures, scripts, styles.
    for (tag, set, directive) in [
        ("img", "src = 'https://example.invalid/x.png'", "img-src"),
        ("script", "textContent = 'document.title = 1'", "script-src-elem"),
        ("style", "textContent = 'body { color: red }'", "style-src-elem"),
        ("form", "action = 'https://example.invalid/'; setTimeout(() => e.submit())", "form-action"),
    ] {
        let refused = browser.text(&format!(
            "new Promise(tell => {{ document.addEventListener('securitypolicyviolation',
             event => tell(event.effectiveDirective), {{once: true}});
             const e = document.createElement('{tag}'); e.{set}; document.body.append(e); }})"
        ));
        assert_eq!(refused, directive);
    }
}

#[test]
fn it_fits_every_window_and_no_label_leaves_its_area() {
    need!(browser::is_available(), "no chromium");
    let mut browser = Browser::new();
    for (dir, image) in [(wasteful(), "app.tar"), (evil(), "image.tar")] {
        for width in [360, 400, 700, 1200, 2000] {
            browser.resize(width, 900);
            opened(&mut browser, &dir, image);
            assert_eq!(browser.eval("document.documentElement.scrollWidth"), width, "{image}");
            let out = browser.eval(
                "[...shown().querySelectorAll('.c text')].filter(text => text.checkVisibility()).filter(text => {
                    const t = text.getBoundingClientRect(), a = text.closest('.c').getBoundingClientRect();
                    return t.left < a.left || t.right > a.right + 1 || t.bottom > a.bottom + 1;
                }).map(text => text.textContent)",
            );
            assert_eq!(out, json!([]), "{image} {width}");
        }
    }
}

#[test]
fn it_follows_the_scheme_and_can_be_printed() {
    need!(browser::is_available(), "no chromium");
    let (dir, mut browser) = (wasteful(), Browser::new());
    let colours = "[getComputedStyle(document.body).backgroundColor, getComputedStyle(area('lib/').querySelector('rect')).fill]";
    opened(&mut browser, &dir, "app.tar");
    assert_eq!(browser.eval(colours), json!(["rgb(252, 253, 253)", "rgb(91, 97, 128)"]));
    browser.prefer("prefers-color-scheme", "dark");
    assert_eq!(browser.eval(colours), json!(["rgb(18, 23, 26)", "rgb(94, 101, 145)"]));
    browser.show_on("print");
    assert_eq!(browser.eval(colours), json!(["rgb(252, 253, 253)", "rgb(91, 97, 128)"]), "paper is white");
    assert_eq!(browser.eval("document.querySelector('.said').checkVisibility()"), false);
    assert_eq!(browser.eval("document.querySelector('.steps').checkVisibility()"), true);
}
