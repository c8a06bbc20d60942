//! One page, and what a person does with it.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::nodes::Node;
use super::reports::Reports;
use super::wire::Wire;
use super::{LOOK_EVERY, PATIENCE, keys};

/// Roles of what text is written into.
const FIELDS: [&str; 4] = ["textbox", "searchbox", "combobox", "spinbutton"];
/// Most strokes of the Tab key on the way to something.
const TABS: usize = 400;
/// Of pictures, in per cent: small print stays sharp.
const QUALITY: u8 = 90;
/// Whether a click on the middle of an element reaches it; answers where that is, or what lies over it.
const REACHED: &str = "function() {
  const box = this.getClientRects()[0];
  if (!box) return 'it takes no room';
  const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
  const hit = document.elementFromPoint(x, y);
  if (this === hit || this.contains(hit) || [...(this.labels ?? [])].some((label) => label.contains(hit))) return [x, y];
  return hit ? `<${hit.localName} class=${hit.className}> lies over it` : 'it is out of sight';
}";

/// Light or dark, as the system of the person has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Light,
    Dark,
}

impl Scheme {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// A page of a browser; its cookies are its own.
#[derive(Debug)]
pub struct Page {
    wire: Arc<Wire>,
    base: String,
    context: Value,
    session: String,
}

impl Page {
    pub(super) async fn open_in(wire: Arc<Wire>, base: &str) -> Self {
        let ask = async |method: &str, params: Value| {
            let answer = wire.try_call(None, method, params).await;
            answer.unwrap_or_else(|error| panic!("{error}"))
        };
        let made = ask("Target.createBrowserContext", json!({})).await;
        let context = made["browserContextId"].clone();
        let target = json!({"url": "about:blank", "browserContextId": context});
        let target = ask("Target.createTarget", target).await;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = ask("Target.attachToTarget", attach).await;
        let session = attached["sessionId"].as_str().expect("a session has an id");
        let page = Self {
            session: session.to_owned(),
            base: base.trim_end_matches('/').to_owned(),
            context,
            wire: Arc::clone(&wire),
        };
        for domain in ["Page", "DOM", "Runtime", "Audits", "Accessibility"] {
            page.call(&format!("{domain}.enable"), json!({})).await;
        }
        page.resized(1280, 800).await;
        page
    }

    pub(super) async fn try_call(&self, method: &str, params: Value) -> Result<Value, String> {
        self.wire
            .try_call(Some(&self.session), method, params)
            .await
    }

    pub(super) async fn call(&self, method: &str, params: Value) -> Value {
        let answer = self.try_call(method, params).await;
        answer.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Looks until there is something to see, or patience is over.
    pub(super) async fn looked<T>(&self, mut look: impl AsyncFnMut() -> Option<T>) -> Option<T> {
        let looking = async {
            loop {
                if let Some(seen) = look().await {
                    return seen;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(PATIENCE, looking).await.ok()
    }
}

/// Going somewhere.
impl Page {
    /// Opens a path of the server, or a whole URL; answers the status.
    pub async fn open(&self, path: &str) -> u16 {
        let url = if path.starts_with('/') {
            format!("{}{path}", self.base)
        } else {
            path.to_owned()
        };
        let before = self.loads();
        let went = self.call("Page.navigate", json!({"url": url})).await;
        assert!(went["errorText"].is_null(), "{url}: {}", went["errorText"]);
        if !went["loaderId"].is_null() {
            self.loaded_since(before).await;
        }
        self.status().await
    }

    /// The status that the page came with.
    pub async fn status(&self) -> u16 {
        let status = self.evaluate("performance.getEntriesByType('navigation')[0].responseStatus");
        status
            .await
            .as_u64()
            .and_then(|it| it.try_into().ok())
            .unwrap_or_default()
    }

    /// Presses a link or a button that leads to another page, and waits for that.
    pub async fn follow(&self, role: &str, name: &str) {
        let before = self.loads();
        self.click(role, name).await;
        self.loaded_since(before).await;
    }

    /// Presses a key that leads to another page, and waits for that.
    pub async fn press_and_follow(&self, key: &str) {
        let before = self.loads();
        self.press(key).await;
        self.loaded_since(before).await;
    }

    /// Runs an expression of JavaScript that leads to another page, and waits for that.
    pub async fn run_and_follow(&self, expression: &str) {
        let before = self.loads();
        self.evaluate(expression).await;
        self.loaded_since(before).await;
    }

    fn loads(&self) -> u64 {
        self.wire
            .reports()
            .see(|all| all.get(&self.session).map_or(0, |reports| reports.loads))
    }

    async fn loaded_since(&self, before: u64) {
        let loaded = self.wire.reports().until(|all| {
            let loads = all.get(&self.session).map_or(0, |reports| reports.loads);
            (loads > before).then_some(())
        });
        if tokio::time::timeout(PATIENCE, loaded).await.is_err() {
            panic!(
                "waited {PATIENCE:?} in vain for another page than {}\n{}",
                self.url().await,
                self.text().await
            );
        }
    }
}

/// Using what is there.
impl Page {
    /// Presses what has this role and name.
    pub async fn click(&self, role: &str, name: &str) {
        let node = self.node(&[role], name).await;
        self.click_on(&node).await;
    }

    async fn click_on(&self, node: &Node) {
        self.call(
            "DOM.scrollIntoViewIfNeeded",
            json!({"backendNodeId": node.id}),
        )
        .await;
        let at = self.on(node, REACHED, &[]).await;
        let [Some(x), Some(y)] = [0, 1].map(|it| at[it].as_f64()) else {
            panic!("{} {:?} cannot be clicked: {at}", node.role, node.name);
        };
        for (kind, buttons) in [("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 0)] {
            let button = if kind == "mouseMoved" { "none" } else { "left" };
            let event = json!({
                "type": kind, "x": x, "y": y, "button": button, "buttons": buttons, "clickCount": 1,
            });
            self.call("Input.dispatchMouseEvent", event).await;
        }
    }

    /// Writes into a field in place of what is there.
    pub async fn fill(&self, label: &str, text: &str) {
        let node = self.node(&FIELDS, label).await;
        self.on(&node, "function() { this.focus(); this.select(); }", &[])
            .await;
        if text.is_empty() {
            self.press("Backspace").await;
        } else {
            self.call("Input.insertText", json!({"text": text})).await;
        }
    }

    /// Chooses an option of a list by its words.
    pub async fn choose(&self, label: &str, option: &str) {
        let node = self.node(&["combobox", "listbox"], label).await;
        let choose = "function(words) {
          const found = [...this.options].find((option) => option.text.trim() === words);
          if (!found) return [...this.options].map((option) => option.text.trim());
          this.value = found.value;
          for (const type of ['input', 'change']) this.dispatchEvent(new Event(type, { bubbles: true }));
          return null;
        }";
        let others = self.on(&node, choose, &[option]).await;
        assert!(others.is_null(), "{label} has no {option:?} but {others}");
    }

    /// Ticks a box, or takes its tick away.
    pub async fn tick(&self, label: &str, wanted: bool) {
        let node = self.node(&["checkbox", "switch", "radio"], label).await;
        if node.checked != wanted {
            self.click_on(&node).await;
        }
    }

    /// Presses a key where the focus is: `Tab`, `Shift+Tab`, `Enter`, `Space`, `Escape`, `Backspace`, an arrow, a character.
    pub async fn press(&self, key: &str) {
        for stroke in keys::strokes(key) {
            self.call("Input.dispatchKeyEvent", stroke).await;
        }
    }

    /// The same many times in a row, without waiting for what each of them does: only for the last.
    pub async fn press_often(&self, key: &str, times: usize) {
        for _ in 1..times {
            for stroke in keys::strokes(key) {
                let session = Some(self.session.as_str());
                self.wire.tell(session, "Input.dispatchKeyEvent", &stroke);
            }
        }
        self.press(key).await;
    }

    /// Types as on a keyboard, where the focus is.
    pub async fn type_text(&self, text: &str) {
        self.call("Input.insertText", json!({"text": text})).await;
    }

    /// Goes on with the Tab key until what has this role and name has the focus.
    pub async fn tab_to(&self, role: &str, name: &str) {
        self.node(&[role], name).await;
        let mut passed = Vec::new();
        for _ in 0..TABS {
            let focused = self.focus().await;
            if let Some(node) = &focused {
                if node.role == role && node.is_called(name) {
                    return;
                }
                passed.push(format!("{} {:?}", node.role, node.name));
            }
            self.press("Tab").await;
        }
        passed.dedup();
        panic!("the Tab key does not lead to {role} {name:?}, but past {passed:?}");
    }

    /// Role and name of what has the focus.
    pub async fn focused(&self) -> (String, String) {
        let node = self.focus().await;
        node.map(|node| (node.role, node.name)).unwrap_or_default()
    }

    async fn focus(&self) -> Option<Node> {
        let active = json!({"expression": "document.activeElement ?? document.body"});
        let active = self.call("Runtime.evaluate", active).await;
        let query = json!({"objectId": active["result"]["objectId"], "fetchRelatives": false});
        let tree = self.call("Accessibility.getPartialAXTree", query).await;
        tree["nodes"].get(0).and_then(Node::of)
    }
}

/// Looking.
impl Page {
    /// Waits until what has this role and name is there.
    pub async fn see(&self, role: &str, name: &str) {
        self.node(&[role], name).await;
    }

    /// Whether something has this role and name now.
    pub async fn has(&self, role: &str, name: &str) -> bool {
        self.nodes(role)
            .await
            .iter()
            .any(|node| node.is_called(name))
    }

    /// Waits until the page says this; in whatever lines, for those follow the width.
    pub async fn says(&self, words: &str) {
        let seen = self.looked(async || self.text().await.contains(words).then_some(()));
        if seen.await.is_none() {
            panic!(
                "{} does not say {words:?}:\n{}",
                self.url().await,
                self.text().await
            );
        }
    }

    /// What can be read on the page, spaces as one.
    pub async fn text(&self) -> String {
        let text = self.evaluate("document.body?.innerText ?? ''").await;
        let words = text.as_str().unwrap_or_default().split_whitespace();
        words.collect::<Vec<_>>().join(" ")
    }

    pub async fn url(&self) -> String {
        let url = self.evaluate("location.href").await;
        url.as_str().unwrap_or_default().to_owned()
    }

    /// Path and query.
    pub async fn path(&self) -> String {
        let path = self.evaluate("location.pathname + location.search").await;
        path.as_str().unwrap_or_default().to_owned()
    }

    /// What an expression of JavaScript gives; a promise is waited for. While a page is replaced it gives nothing.
    pub async fn evaluate(&self, expression: &str) -> Value {
        let ask = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let Ok(mut answer) = self.try_call("Runtime.evaluate", ask).await else {
            return Value::Null;
        };
        assert!(
            answer["exceptionDetails"].is_null(),
            "{}: {}",
            expression.chars().take(200).collect::<String>(),
            answer["exceptionDetails"]
        );
        answer["result"]["value"].take()
    }

    /// What the page, and those before it, reported.
    #[must_use]
    pub fn reports(&self) -> Reports {
        self.wire
            .reports()
            .see(|all| all.get(&self.session).cloned())
            .unwrap_or_default()
    }
}

/// Being somebody else.
impl Page {
    pub async fn resized(&self, width: u32, height: u32) {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", size).await;
    }

    pub async fn prefers(&self, scheme: Scheme) {
        let features = json!([
            {"name": "prefers-color-scheme", "value": scheme.word()},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]);
        self.call("Emulation.setEmulatedMedia", json!({"features": features}))
            .await;
    }

    /// From the next page on nothing of a page's script runs.
    pub async fn without_script(&self) {
        self.call(
            "Emulation.setScriptExecutionDisabled",
            json!({"value": true}),
        )
        .await;
    }

    /// Writes what can be seen without scrolling as a WebP picture.
    pub async fn photograph(&self, path: &Path) {
        let shot = self
            .call(
                "Page.captureScreenshot",
                json!({"format": "webp", "quality": QUALITY}),
            )
            .await;
        let bytes = STANDARD
            .decode(shot["data"].as_str().unwrap_or_default())
            .expect("DevTools writes base64");
        std::fs::write(path, bytes)
            .unwrap_or_else(|error| panic!("{} cannot be written: {error}", path.display()));
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let context = json!({"browserContextId": self.context});
        self.wire
            .tell(None, "Target.disposeBrowserContext", &context);
    }
}
