//! A browser without a screen, told what to do as its developers' tools tell it: the DevTools protocol, JSON with a
//! NUL behind each message, through a pipe.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::need::has;

/// How long the browser may take for one thing, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Whether there is a browser here.
pub fn is_available() -> bool {
    has("chromium")
}

/// A browser with one page.
pub struct Browser {
    chromium: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    session: Value,
    sent: u64,
    /// What it told of by itself.
    events: Vec<Value>,
    _home: TempDir,
}

impl Browser {
    /// Starts it, with an empty page.
    pub fn new() -> Browser {
        let home = TempDir::new().unwrap();
        let mut command = Command::new("sh");
        // It reads what it is told from 3, and answers to 4.
        command.args(["-c", "exec chromium \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", "sh"]);
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]);
        command.args(["--remote-debugging-pipe", "--no-first-run", "--hide-scrollbars"]);
        command.arg(format!("--user-data-dir={}", home.path().display())).env("HOME", home.path());
        let mut chromium = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let answers = BufReader::new(chromium.stdout.take().unwrap());
        let (tell, from) = channel();
        std::thread::spawn(move || {
            for answer in answers.split(0).map_while(Result::ok) {
                let Ok(answer) = serde_json::from_slice(&answer) else { break };
                if tell.send(answer).is_err() {
                    break;
                }
            }
        });
        let to = chromium.stdin.take().unwrap();
        let (session, events) = (Value::Null, Vec::new());
        let mut browser = Browser { chromium, to, from, session, sent: 0, events, _home: home };
        browser.attach();
        browser
    }

    fn attach(&mut self) {
        let target = self.call("Target.createTarget", json!({ "url": "about:blank" }));
        let target = json!({ "targetId": target["targetId"], "flatten": true });
        self.session = self.call("Target.attachToTarget", target)["sessionId"].clone();
        for domain in ["Page", "Runtime", "Log", "Network", "Accessibility"] {
            self.call(&format!("{domain}.enable"), json!({}));
        }
        self.resize(1200, 900);
    }

    /// Calls a method of the protocol.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.sent += 1;
        let id = self.sent;
        let mut message = json!({ "id": id, "method": method, "params": params });
        if !self.session.is_null() {
            message["sessionId"] = self.session.clone();
        }
        self.to.write_all(&[message.to_string().as_bytes(), b"\0"].concat()).unwrap();
        loop {
            let answer = self.receive();
            if answer["id"] == id {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].clone();
            }
            self.events.push(answer);
        }
    }

    fn receive(&mut self) -> Value {
        self.from.recv_timeout(PATIENCE).expect("the browser answers")
    }

    /// Shows a file, from its beginning; how long that took.
    pub fn open(&mut self, page: &Path) -> Duration {
        let started = Instant::now();
        self.events.clear();
        self.call("Page.navigate", json!({ "url": format!("file://{}", page.display()) }));
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            let event = self.receive();
            self.events.push(event);
        }
        started.elapsed()
    }

    /// Gives the window another size.
    pub fn resize(&mut self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    /// What the media features are: `("prefers-color-scheme", "dark")`.
    pub fn prefer(&mut self, feature: &str, value: &str) {
        let features = json!({ "features": [{ "name": feature, "value": value }] });
        self.call("Emulation.setEmulatedMedia", features);
    }

    /// What the page is shown on: `screen` or `print`.
    pub fn show_on(&mut self, media: &str) {
        self.call("Emulation.setEmulatedMedia", json!({ "media": media }));
    }

    /// Whether scripts of pages run that are opened from now on.
    pub fn allow_scripts(&mut self, allowed: bool) {
        self.call("Emulation.setScriptExecutionDisabled", json!({ "value": !allowed }));
    }

    /// The value of an expression in the page.
    pub fn eval(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let result = self.call("Runtime.evaluate", params);
        assert!(result.get("exceptionDetails").is_none(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// The same, of one that is a text.
    pub fn text(&mut self, expression: &str) -> String {
        let value = self.eval(expression);
        value.as_str().unwrap_or_else(|| panic!("{expression}: {value}")).to_owned()
    }

    /// Waits until an expression holds.
    #[track_caller]
    pub fn wait_for(&mut self, expression: &str) {
        let started = Instant::now();
        while self.eval(expression) != true {
            assert!(started.elapsed() < PATIENCE / 6, "{expression} never holds");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Where the middle of an element is that an expression names, once it is in sight.
    fn middle(&mut self, element: &str) -> (f64, f64) {
        let place = self.eval(&format!(
            "(() => {{ const e = {element}; e.scrollIntoView({{block: 'center'}}); const r = e.getBoundingClientRect();
             return [r.x + r.width / 2, r.y + r.height / 2]; }})()"
        ));
        (place[0].as_f64().unwrap(), place[1].as_f64().unwrap())
    }

    fn mouse(&mut self, kind: &str, (x, y): (f64, f64)) {
        let held = u32::from(kind == "mousePressed");
        let params = json!({ "type": kind, "x": x, "y": y, "button": if kind == "mouseMoved" { "none" } else { "left" },
            "buttons": held, "clickCount": u32::from(kind != "mouseMoved") });
        self.call("Input.dispatchMouseEvent", params);
    }

    /// Points at an element, as one with a mouse does.
    pub fn point_at(&mut self, element: &str) {
        let place = self.middle(element);
        self.mouse("mouseMoved", place);
    }

    /// Clicks on an element.
    pub fn click(&mut self, element: &str) {
        let place = self.middle(element);
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            self.mouse(kind, place);
        }
    }

    /// Presses a key: `Tab`, `Enter`, `Escape`, `ArrowLeft`, `ArrowRight`, or a space.
    pub fn press(&mut self, key: &str) {
        let (code, number, text) = match key {
            "Tab" => ("Tab", 9, ""),
            "Enter" => ("Enter", 13, "\r"),
            "Escape" => ("Escape", 27, ""),
            "ArrowRight" => ("ArrowRight", 39, ""),
            "ArrowLeft" => ("ArrowLeft", 37, ""),
            " " => ("Space", 32, " "),
            _ => panic!("no such key: {key}"),
        };
        let kind = if text.is_empty() { "rawKeyDown" } else { "keyDown" };
        let mut params = json!({ "type": kind, "key": key, "code": code, "windowsVirtualKeyCode": number });
        if !text.is_empty() {
            params["text"] = text.into();
        }
        self.call("Input.dispatchKeyEvent", params.clone());
        params["type"] = "keyUp".into();
        self.call("Input.dispatchKeyEvent", params);
    }

    /// Presses Tab until an expression holds.
    pub fn tab_to(&mut self, expression: &str) {
        for _ in 0..400 {
            self.press("Tab");
            if self.eval(expression) == true {
                return;
            }
        }
        panic!("Tab never comes to where {expression} holds");
    }

    /// What stands on the console, what no one caught, what the browser refused.
    pub fn complaints(&mut self) -> Vec<String> {
        // Whatever is on its way arrives before this answer.
        self.eval("1");
        let kinds = ["Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"];
        let said = self.events.iter().filter(|event| kinds.iter().any(|kind| event["method"] == *kind));
        said.map(|event| event["params"].to_string()).collect()
    }

    /// All that it asked for since the page was opened.
    pub fn requests(&mut self) -> Vec<String> {
        self.eval("1");
        let asked = self.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        asked.map(|event| event["params"]["request"]["url"].as_str().unwrap().to_owned()).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.session = Value::Null;
        let close = json!({ "id": 0, "method": "Browser.close" }).to_string();
        let _closing = self.to.write_all(&[close.as_bytes(), b"\0"].concat());
        let started = Instant::now();
        while matches!(self.chromium.try_wait(), Ok(None)) {
            if started.elapsed() > PATIENCE / 6 {
                let _gone = self.chromium.kill();
                let _ended = self.chromium.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
