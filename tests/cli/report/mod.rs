//! `peelfs report`: the page as it is written, and (`browse`) as a browser shows it.

mod bounds;
mod browse;

use std::path::Path;

use tar::EntryType;
use tempfile::TempDir;

use super::{app, configured, hostile_names, write};
use crate::support::archive::{Written, docker};
use crate::support::{Layer, layer, peelfs, session};

/// The page of an image.
fn page(image: &Path) -> String {
    let output = peelfs(["report", image.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// An image of three layers in which something is replaced, repeated and deleted.
fn wasteful() -> TempDir {
    let dir = TempDir::new().unwrap();
    let big = |letter: u8, length| vec![letter; length];
    let base =
        Layer::new().file("usr/lib/large", &big(b'a', 60_000)).file("usr/bin/tool", &big(b'b', 30_000));
    let base = base.file("srv/gone", &big(b'c', 20_000)).file("etc/motd", b"hello");
    let middle = layer("srv/.wh.gone etc/motd=hello!600").file("usr/lib/more", &big(b'd', 40_000));
    let top = Layer::new().file("usr/bin/tool", &big(b'e', 31_000));
    write(dir.path(), "app.tar", &docker(&[Written::new("app:1", [base, middle, top])]));
    dir
}

/// What stands between two texts, first met.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let from = text.find(start).unwrap_or_else(|| panic!("no {start:?} in {text}")) + start.len();
    &text[from..from + text[from..].find(end).unwrap()]
}

/// The values of all attributes of a name.
fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    page.split(&*start).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

#[test]
fn it_tells_layers_sizes_waste_and_history() {
    let dir = wasteful();
    let page = page(&dir.path().join("app.tar"));
    assert!(page.contains("<h1>app:1</h1>") && page.contains("<dd>linux/amd64</dd>"), "{page}");
    let totals = between(&page, "<ul class=\"totals\">", "</ul>");
    // 60,000 + 40,000 + 31,000 + 5 of 181,010 bytes.
    for text in [
        "<strong>127.9 KiB</strong> <em>visible",
        "of 176.8 KiB",
        "<strong>72.4 %",
        "<strong>4</strong> <em>files",
    ] {
        assert!(totals.contains(text), "{text}: {totals}");
    }
    let layers = between(&page, "<ol class=\"layers\">", "</ol>");
    assert_eq!(layers.matches("<li").count(), 3, "{layers}");
    for text in ["step 0", "step 2", "48.8 KiB hidden</mark> (45.5 %)", "hides 19.5 KiB below"] {
        assert!(layers.contains(text), "{text}: {layers}");
    }
    let map = between(&page, "<div class=\"map\" id=\"map\">", "<p class=\"said\"");
    for text in
        ["<title>/usr · 5 names · 127.9 KiB", "<title>/usr/lib/large · 58.6 KiB · layer 0", ">tool</text>"]
    {
        assert!(map.contains(text), "{text}: {map}");
    }
    assert!(!map.contains("gone"), "what is hidden is not in the tree");
    let worst = between(&page, "<ol class=\"worst\">", "</ol>");
    let paths: Vec<_> =
        worst.split("</b><code>").skip(1).map(|rest| rest.split('<').next().unwrap()).collect();
    assert_eq!(paths, ["/usr/bin/tool", "/srv/gone", "/etc/motd"]);
    let deleted = between(worst, "/srv/gone", "</li>");
    assert!(deleted.contains("deleted by layer") && deleted.contains("step 1"), "{deleted}");
    let steps = between(&page, "<ol class=\"steps\">", "</ol>");
    assert!(steps.matches("<li").count() == 4 && steps.contains("<code>CMD</code>"), "{steps}");
}

#[test]
fn every_link_leads_to_a_picture_of_the_page() {
    let page = page(&wasteful().path().join("app.tar"));
    let (links, ids) = (attributes(&page, "href"), attributes(&page, "id"));
    assert!(links.len() > 3, "{links:?}");
    for link in links {
        assert!(ids.contains(&link.strip_prefix('#').unwrap()), "{link}");
    }
    let mut once = ids.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), ids.len());
}

/// What would be loaded from elsewhere, or run.
fn assert_self_contained(page: &str) {
    assert_eq!(page.matches("url(").count(), page.matches("url(#cut)").count());
    for word in [
        "http://",
        "https://",
        " src=",
        " style=",
        "@import",
        "<link",
        "<img",
        "<iframe",
        "<object",
        "javascript:",
    ] {
        assert!(!page.contains(word), "{word}");
    }
    assert_eq!((page.matches("<script").count(), page.matches("</script").count()), (1, 1));
    assert!(page.contains("default-src 'none'; style-src 'sha256-"));
    assert!(page.contains("; script-src 'sha256-") && !page.contains("unsafe"));
    // Handlers of events: an attribute that begins with "on".
    assert!(!page.contains(" onerror") && !page.contains(" onload") && !page.contains(" onclick"));
}

#[test]
fn it_asks_nothing_of_the_network() {
    assert_self_contained(&page(&wasteful().path().join("app.tar")));
}

const EVIL: [&str; 6] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'><svg onload=alert(1)>",
    "</title></style></script><!--",
    "line\u{2028}sep\u{2029}\u{202e}gnp",
    "&lt;&#60;",
];

/// An image whose every text wants to be a tag.
fn evil() -> TempDir {
    let json = serde_json::to_string(&EVIL.concat()).unwrap();
    let config = format!(
        r#"{{"os":{json},"architecture":{json},"author":{json},"created":{json},"rootfs":{{"diff_ids":[]}},"history":[
        {{"created":{json},"created_by":{json},"comment":{json},"author":{json}}},{{"created_by":{json},"empty_layer":true}}]}}"#
    );
    let dir = configured(&config, "app:1");
    let files = |letter: u8| {
        EVIL.iter().fold(Layer::new(), |tar, name| {
            // A slash would end the name.
            let name = format!("{}/in <{}", name.replace('/', "%"), name.replace('/', "%"));
            tar.add(EntryType::Regular, name.as_bytes(), &[letter; 3000], |_| {})
        })
    };
    let manifest =
        format!("[{{\"Config\":\"c.json\",\"RepoTags\":[{json}],\"Layers\":[\"l.tar\",\"m.tar\"]}}]");
    let tar = Layer::new().file("c.json", config.as_bytes()).file("l.tar", &files(b'x').finish());
    let tar = tar.file("m.tar", &files(b'y').finish()).file("manifest.json", manifest.as_bytes());
    write(dir.path(), "image.tar", &tar.finish());
    dir
}

#[test]
fn nothing_of_an_image_becomes_a_tag() {
    let page = page(&evil().path().join("image.tar"));
    assert_eq!((page.matches("<script").count(), page.matches("</script").count()), (1, 1));
    for word in ["<img", "<!--", "<svg onload", "<in", "alert(1)<", "\u{2028}", "\u{2029}", "\u{202e}"] {
        assert!(!page.contains(word), "{word:?}");
    }
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && page.contains("\\u{2028}"));
    assert!(page.contains("&amp;lt;&amp;#60;"), "an entity in a name is no entity");
    // No attribute but ours: with all values taken out, no quote is left in a tag.
    for tag in page.split('<').skip(1).filter(|tag| tag.starts_with(|c: char| c.is_ascii_lowercase())) {
        let tag = tag.split('>').next().unwrap();
        assert!(
            !tag.split('"').step_by(2).any(|outside| outside.contains("on") && outside.contains("alert")),
            "{tag}"
        );
    }
    let names = self::page(&hostile_names().path().join("names.tar"));
    for text in ["\\u{1b}[31mred", "new\\nline", "gnp.\\u{202e}exe", "\\xff"] {
        assert!(names.contains(text), "{text}");
    }
    assert!(!names.contains('\x1b'));
}

#[test]
fn it_is_the_same_each_time_wherever_the_image_lies() {
    let (one, two) = (wasteful(), wasteful());
    let first = page(&one.path().join("app.tar"));
    assert_eq!(first, page(&one.path().join("app.tar")));
    assert_eq!(first, page(&two.path().join("app.tar")));
    let name = one.path().file_name().unwrap().to_str().unwrap();
    assert!(!first.contains(name), "where the image lies is not in it");
}

#[test]
fn what_is_not_there_is_said() {
    let dir = TempDir::new().unwrap();
    write(dir.path(), "empty.tar", &layer("d/ f=").finish());
    let page = page(&dir.path().join("empty.tar"));
    for text in [
        "No file that shows has any bytes",
        "Nothing: every byte",
        "The image has no history",
        "no step is known",
        "every byte shows",
        "<strong>100 %",
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains("NaN") && !page.contains("inf%"));
}

#[test]
fn a_time_that_nobody_set_is_not_told() {
    let time = |time: &str| {
        let step = format!("{{\"created\":\"{time}\",\"created_by\":\"x\",\"comment\":\"kaniko\"}}");
        let config =
            format!("{{\"created\":\"{time}\",\"rootfs\":{{\"diff_ids\":[]}},\"history\":[{step}]}}");
        page(&configured(&config, "app:1").path().join("image.tar"))
    };
    assert!(time("2024-01-02T03:04:05.6Z").matches("2024-01-02T03:04:05Z").count() == 2);
    let never = time("0001-01-01T00:00:00Z");
    assert!(!never.contains("0001-01-01") && !never.contains("<dt>created") && never.contains(">kaniko<"));
}

#[test]
fn an_area_tells_of_all_layers_that_it_is_in() {
    let page = page(&wasteful().path().join("app.tar"));
    // Of /usr/lib, 60,000 bytes are in layer 0 and 40,000 in layer 1.
    let lib =
        page.lines().find(|line| line.contains("<title>/usr/lib · ") && line.contains("c k0 dir")).unwrap();
    assert!(lib.contains("layer 0: 60.0 %, layer 1: 40.0 %</title>"), "{lib}");
    assert!(lib.contains(" data-y=\"0 1\" ") && lib.contains(" · layers 0, 1</tspan>"), "{lib}");
}

#[test]
fn it_goes_to_a_file_or_to_standard_output() {
    session(
        app().path(),
        r#"
$ peelfs report app.tar -o page.html; ls
app.tar
page.html
$ peelfs report app.tar | cmp - page.html && peelfs report app.tar -o - | cmp - page.html
$ peelfs report app.tar@1 | grep -o '<dd>app.*</dd>'
<dd>app.tar@1</dd>
$ peelfs report app.tar -o no/page.html
! peelfs: no/page.html: No such file or directory (os error 2)
? 2
$ script -qec 'peelfs report app.tar' /dev/null </dev/null | tr -d '\r'
peelfs: standard output is a terminal: name a file with -o
"#,
    );
}
