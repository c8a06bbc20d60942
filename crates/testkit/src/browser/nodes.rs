//! What is on a page, as a screen reader has it.

use serde_json::{Value, json};

use super::page::Page;

/// Something with a role and a name.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) role: String,
    pub(super) name: String,
    /// What DevTools calls it by.
    pub(super) id: u64,
    /// Ticked, for what can be.
    pub(super) checked: bool,
    disabled: bool,
}

impl Node {
    pub(super) fn of(node: &Value) -> Option<Self> {
        if node["ignored"] == true {
            return None;
        }
        let property = |name: &str| {
            let all = node["properties"].as_array().into_iter().flatten();
            let found = all.into_iter().find(|property| property["name"] == name);
            found.map(|property| &property["value"]["value"])
        };
        let holds = |name: &str| property(name).is_some_and(|it| it == "true" || *it == true);
        Some(Self {
            role: text(&node["role"]["value"]),
            name: text(&node["name"]["value"]),
            id: node["backendDOMNodeId"].as_u64()?,
            checked: holds("checked"),
            disabled: holds("disabled"),
        })
    }
}

impl Node {
    pub(super) fn is_called(&self, name: &str) -> bool {
        match name.strip_suffix('…') {
            Some(beginning) => self.name.starts_with(beginning),
            None => self.name == name,
        }
    }
}

/// In one line, without spaces around.
fn text(value: &Value) -> String {
    let words = value.as_str().unwrap_or_default().split_whitespace();
    words.collect::<Vec<_>>().join(" ")
}

impl Page {
    /// All of a role that can be seen now. A page that is just being replaced has none.
    pub(super) async fn nodes(&self, role: &str) -> Vec<Node> {
        let found = async {
            let document = self
                .try_call("DOM.getDocument", json!({"depth": 0}))
                .await?;
            let query = json!({"nodeId": document["root"]["nodeId"], "role": role});
            self.try_call("Accessibility.queryAXTree", query).await
        };
        let found: Result<Value, String> = found.await;
        let found = found.unwrap_or_default();
        let nodes = found["nodes"].as_array().into_iter().flatten();
        nodes.filter_map(Node::of).collect()
    }

    /// The first of one of the roles with this name, as soon as it is there and can be used. A name that ends with `…` is
    /// the beginning of one.
    pub(super) async fn node(&self, roles: &[&str], name: &str) -> Node {
        let seen = self.looked(async || {
            for role in roles {
                let nodes = self.nodes(role).await;
                let fits = |node: &Node| node.is_called(name) && !node.disabled;
                if let Some(node) = nodes.into_iter().find(fits) {
                    return Some(node);
                }
            }
            None
        });
        match seen.await {
            Some(node) => node,
            None => panic!(
                "{} has no {} called {name:?}; it has {:?}\n{}",
                self.url().await,
                roles.join(" or "),
                self.names(roles).await,
                self.text().await
            ),
        }
    }

    async fn names(&self, roles: &[&str]) -> Vec<String> {
        let mut names = Vec::new();
        for role in roles {
            names.extend(self.nodes(role).await.into_iter().map(|node| node.name));
        }
        names
    }

    /// Calls a function of JavaScript on it, as `this`.
    pub(super) async fn on(&self, node: &Node, function: &str, arguments: &[&str]) -> Value {
        let resolved = self
            .call("DOM.resolveNode", json!({"backendNodeId": node.id}))
            .await;
        let arguments: Vec<_> = arguments.iter().map(|it| json!({"value": it})).collect();
        let answer = json!({
            "objectId": resolved["object"]["objectId"], "functionDeclaration": function, "arguments": arguments,
            "returnByValue": true,
        });
        let mut answer = self.call("Runtime.callFunctionOn", answer).await;
        assert!(
            answer["exceptionDetails"].is_null(),
            "{function}: {}",
            answer["exceptionDetails"]
        );
        answer["result"]["value"].take()
    }
}
