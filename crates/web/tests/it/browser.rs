//! Somebody at a browser: keeps the cookie, and says whose page a form is of.

use axum::body::Body;
use domain::access::{Actor, Role, Scope};
use domain::user::{Password, User};
use domain::{Secret, UserId};
use http::Method;
use store::Change;

use crate::support::{Answer, Server, request};

pub const PASSWORD: &str = "correct horse battery";

#[derive(Debug, Default, Clone)]
pub struct Browser {
    /// `name=token`.
    pub cookie: String,
}

impl Server {
    /// A user with the password of all tests, made past the API.
    pub async fn user(&self, name: &str, role: Role, scope: Scope) -> UserId {
        let password = Password::parse(Secret::new(PASSWORD.to_owned()), name).unwrap();
        let user = User {
            id: self
                .app
                .dice()
                .roll(|rng| UserId::new(self.clock.now(), rng)),
            name: name.to_owned(),
            role,
            scope,
            password: receive::hash_password(&password, [7; 16]),
            enabled: true,
            created_at: self.clock.now(),
        };
        let (id, change) = (user.id, Change::InsertUser(user));
        let made = self
            .app
            .store()
            .change(change, &Actor::Local, self.clock.now());
        made.await.unwrap();
        id
    }

    /// A user of this name who is signed in.
    pub async fn browser(&self, name: &str, role: Role, scope: Scope) -> Browser {
        self.user(name, role, scope).await;
        let mut browser = Browser::default();
        browser.sign_in(self, name, PASSWORD).await.expect(303);
        browser
    }
}

impl Browser {
    pub async fn get(&self, server: &Server, path: &str) -> Answer {
        let request = request(Method::GET, path).header("cookie", &self.cookie);
        server.send(request.body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, server: &Server, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = request(Method::POST, path)
            .header("cookie", &self.cookie)
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded");
        server
            .send(request.body(Body::from(form(fields))).unwrap())
            .await
    }

    /// Posts a form with a file: a name, empty where none was chosen, and what is in it.
    pub async fn post_file(
        &self,
        server: &Server,
        path: &str,
        fields: &[(&str, &str)],
        file: Option<(&str, &str)>,
    ) -> Answer {
        const BOUNDARY: &str = "----a-boundary";
        let mut form = String::new();
        for (name, value) in fields {
            form.push_str(&format!(
                "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            ));
        }
        if let Some((name, held)) = file {
            form.push_str(&format!(
                "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
                 content-type: application/octet-stream\r\n\r\n{held}\r\n"
            ));
        }
        form.push_str(&format!("--{BOUNDARY}--\r\n"));
        let request = request(Method::POST, path)
            .header("cookie", &self.cookie)
            .header("sec-fetch-site", "same-origin")
            .header(
                "content-type",
                format!("multipart/form-data; boundary={BOUNDARY}"),
            );
        server.send(request.body(Body::from(form)).unwrap()).await
    }

    /// Keeps the cookie that comes back.
    pub async fn sign_in(&mut self, server: &Server, name: &str, password: &str) -> Answer {
        let fields = [("name", name), ("password", password), ("next", "/")];
        let answer = self.post(server, "/sign-in", &fields).await;
        if let Some((cookie, _)) = answer.header("set-cookie").split_once(';') {
            self.cookie = cookie.to_owned();
        }
        answer
    }

    /// Posts a form as a page of theirs would hold it.
    pub async fn act(&self, server: &Server, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.form_token(server).await;
        let mut all = vec![("form_token", token.as_str())];
        all.extend(fields);
        self.post(server, path, &all).await
    }

    /// What the forms of this page hold.
    pub async fn form_token(&self, server: &Server) -> String {
        let page = self.get(server, "/events").await.expect(200).text();
        let rest = page.split("name=\"form_token\" value=\"").nth(1).unwrap();
        rest.split('"').next().unwrap().to_owned()
    }
}

pub fn form(fields: &[(&str, &str)]) -> String {
    let mut form = String::new();
    for (name, value) in fields {
        if !form.is_empty() {
            form.push('&');
        }
        form.push_str(name);
        form.push('=');
        for byte in value.bytes() {
            form.push_str(&format!("%{byte:02X}"));
        }
    }
    form
}
