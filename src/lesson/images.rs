//! The lessons' images: what stands in each layer, and the line of a Dockerfile that would have put it there.

use super::image::{Image, Step, dir, file, filled, gone, link, opaque, program};

/// What most of the images begin with.
const BASE: Step = Step {
    line: "COPY base /",
    items: &[dir("etc"), file("etc/motd", "Good morning.\n"), file("etc/name", "teapot\n")],
};

/// Bytes of a file that is large, for a lesson.
const LARGE: u64 = 1 << 20;

/// Two layers, and a step that makes none.
pub const TARS: &[Image] = &[Image {
    name: "image",
    steps: &[
        BASE,
        Step {
            line: "COPY recipe /srv/tea",
            items: &[dir("srv"), file("srv/tea", "Boil water.\nWait.\nPour.\n")],
        },
        Step { line: r#"CMD ["cat", "/srv/tea"]"#, items: &[] },
    ],
}];

/// One file in two layers.
pub const STACK: &[Image] = &[Image {
    name: "image",
    steps: &[
        BASE,
        Step {
            line: "RUN echo 'Good evening.' > /etc/motd",
            items: &[dir("etc"), file("etc/motd", "Good evening.\n")],
        },
        Step {
            line: "RUN echo 'Earl Grey' > /etc/tea",
            items: &[dir("etc"), file("etc/tea", "Earl Grey\n")],
        },
    ],
}];

/// A file that is gone.
pub const WHITEOUTS: &[Image] = &[Image {
    name: "image",
    steps: &[BASE, Step { line: "RUN rm /etc/motd", items: &[dir("etc"), gone("etc/motd")] }],
}];

/// A large file and a secret that come and go, and the same in one step.
pub const BYTES_STAY: &[Image] = &[
    Image {
        name: "image",
        steps: &[
            BASE,
            Step {
                line: "RUN fetch-tools --token-file /root/token",
                items: &[
                    dir("bin"),
                    program("bin/hello", HELLO),
                    dir("root"),
                    file("root/token", "hunter2\n"),
                    dir("var"),
                    filled("var/tools.zip", LARGE),
                ],
            },
            Step {
                line: "RUN rm /root/token /var/tools.zip",
                items: &[dir("root"), gone("root/token"), dir("var"), gone("var/tools.zip")],
            },
        ],
    },
    Image {
        name: "once",
        steps: &[
            BASE,
            Step {
                line: "RUN fetch-tools --token-file /root/token && rm /root/token /var/tools.zip",
                items: &[dir("bin"), program("bin/hello", HELLO), dir("root"), dir("var")],
            },
        ],
    },
];

const HELLO: &str = "#!/bin/sh\necho hello\n";

/// A directory that is made anew, and one more file in it.
pub const OPAQUE: &[Image] = &[Image {
    name: "image",
    steps: &[
        Step {
            line: "COPY app-1 /app",
            items: &[dir("app"), file("app/help", "1\n"), file("app/main", "1\n"), file("app/old", "1\n")],
        },
        Step {
            line: "RUN rm -r /app && mkdir /app && echo 2 > /app/main",
            items: &[dir("app"), opaque("app"), file("app/main", "2\n")],
        },
        Step { line: "COPY notes /app/notes", items: &[dir("app"), file("app/notes", "3\n")] },
    ],
}];

/// A file with three names, one of which becomes another file.
pub const HARD_LINKS: &[Image] = &[Image {
    name: "image",
    steps: &[
        Step {
            line: "COPY toolbox /bin",
            items: &[
                dir("bin"),
                program("bin/toolbox", "all tools in one, version 1\n"),
                link("bin/cat", "bin/toolbox"),
                link("bin/ls", "bin/toolbox"),
            ],
        },
        Step {
            line: "COPY ls-2 /bin/ls",
            items: &[dir("bin"), program("bin/ls", "a better ls, version 2\n")],
        },
    ],
}];

/// Something to change, small and large.
pub const COPY_UP: &[Image] = &[Image {
    name: "image",
    steps: &[BASE, Step { line: "COPY film /srv/film", items: &[dir("srv"), filled("srv/film", LARGE)] }],
}];

/// A directory to rename.
pub const REDIRECTS: &[Image] = &[Image {
    name: "image",
    steps: &[
        BASE,
        Step {
            line: "COPY photos /srv/photos",
            items: &[
                dir("srv"),
                dir("srv/photos"),
                filled("srv/photos/cat", LARGE),
                filled("srv/photos/kettle", LARGE),
            ],
        },
    ],
}];

/// Something to change in each way.
pub const COMMIT: &[Image] = &[Image {
    name: "image",
    steps: &[
        BASE,
        Step {
            line: "COPY app-1 /app",
            items: &[dir("app"), file("app/help", "1\n"), file("app/main", "1\n")],
        },
    ],
}];

/// One of each: a file below, a file above, a whiteout.
pub const KERNEL: &[Image] = &[Image {
    name: "image",
    steps: &[
        BASE,
        Step {
            line: "RUN echo 'Earl Grey' > /etc/tea && rm /etc/name",
            items: &[dir("etc"), gone("etc/name"), file("etc/tea", "Earl Grey\n")],
        },
    ],
}];

#[cfg(test)]
mod tests {
    use super::super::LESSONS;
    use super::super::image::{Is, Item};

    /// Docker's tars name a directory before what is in it; so do these.
    #[test]
    fn parents_stand_before_what_is_in_them() {
        for step in LESSONS.iter().flat_map(|lesson| lesson.images).flat_map(|image| image.steps) {
            for (no, Item { path, .. }) in step.items.iter().enumerate() {
                let Some((parent, _)) = path.rsplit_once('/') else { continue };
                let is_there = |item: &Item| item.path == parent && item.is == Is::Dir;
                assert!(step.items[..no].iter().any(is_there), "{path}");
            }
        }
    }
}
