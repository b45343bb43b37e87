//! Devices: machines that send data, with keys of their own.

use flywheel_api::{
    OperationId,
    transport::TransportBuilder,
    types::{ApiKeyOutput, DeviceStatusEntry},
};
use flywheel_core::key::ENHANCED_KEY_LENGTH;
use indexmap::IndexMap;
use secrecy::SecretString;
use serde::Serialize;
use serde_json::json;

use crate::{
    Client, Error, ErrorKind, Request, Result,
    call::Call,
    edit::{Delete, Update},
    resource::resource,
};

resource! {
    /// A machine that sends data, such as a reaper beside a scanner.
    Device: EgressDevice, cursor id
}

impl Update<'_, Device> {
    /// Whether it is switched off.
    pub fn disabled(self, yes: bool) -> Self {
        self.set("disabled", yes)
    }
}

impl Device {
    /// Its label; empty when it has none.
    pub fn label(&self) -> &str {
        self.label.as_deref().or(self.name.as_deref()).unwrap_or_default()
    }

    /// Other values for some fields. For site administrators.
    pub fn update(&mut self) -> Update<'_, Self> {
        Update::new(self)
    }

    /// Deletes it. For site administrators.
    pub fn delete(self) -> Delete<Self> {
        Delete::new(&self)
    }

    /// A new key for it; its secret is in the answer alone. For site administrators.
    pub fn add_key(&self, label: impl Into<String>) -> Request<'static, ApiKeyOutput> {
        let body = json!({"label": label.into()});
        Call::new(OperationId::GenerateKey).at(self.id()).sending(body).answer(&self.client)
    }

    /// Withdraws a key of it, by the key's id. For site administrators.
    pub fn delete_key(&self, id: impl Into<String>) -> Request<'static, ()> {
        Call::new(OperationId::DeleteDeviceKey).at(self.id()).at(id).done(&self.client)
    }
}

impl Client {
    /// A new device of a type such as `reaper` or `engine`. For site administrators.
    pub fn add_device(
        &self,
        label: impl Into<String>,
        device_type: impl Into<String>,
    ) -> Request<'static, Device> {
        let body = json!({"label": label.into(), "type": device_type.into()});
        Call::new(OperationId::CreateDevice).sending(body).thing(self)
    }

    /// How each device is, by its id: `ok`, `missing`, `error` or `unknown`, and when it was last seen.
    pub fn device_statuses(&self) -> Request<'static, IndexMap<String, DeviceStatusEntry>> {
        Call::new(OperationId::GetAllDevicesStatus).answer(self)
    }

    /// The device whose key the client has.
    pub fn this_device(&self) -> Request<'static, Device> {
        Call::new(OperationId::GetCurrentDevice).thing(self)
    }

    /// What the device whose key the client has says of itself: its `version`, `interval` in seconds, `errors`, `info`.
    pub fn report_device(&self, status: impl Serialize) -> Request<'static, Device> {
        Call::new(OperationId::UpdateDevice).sending(status).thing(self)
    }

    /// A client in the name of a device, by the secret that the site shares with its devices. The first login of a type and
    /// a name makes the device; later requests go with the device's own key.
    ///
    /// `base_url` is the address of the API, such as `https://flywheel.example.org/api`.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthenticated`] when the secret is wrong, [`ErrorKind::Invalid`] when the login is no device's, and as
    /// every call.
    pub async fn device_login(
        base_url: impl Into<String>,
        secret: SecretString,
        device_type: impl Into<String>,
        name: impl Into<String>,
    ) -> Result<Self> {
        let base_url = base_url.into();
        let at = |builder: TransportBuilder| builder.base_url(&base_url);
        let builder = Self::builder().transport(|builder| at(builder).device(secret, device_type, name));
        let by_secret = builder.build()?;
        let status = by_secret.auth_status().await?;
        let id = status.origin.and_then(|origin| origin.id).filter(|id| !id.is_empty());
        if status.is_device != Some(true) || id.is_none() {
            return Err(Error::new(ErrorKind::Invalid, "this is not the login of a device"));
        }
        let device = by_secret.this_device().await?;
        let key = device
            .key
            .clone()
            .filter(|key| !key.is_empty())
            .ok_or_else(|| Error::new(ErrorKind::Invalid, "the site does not tell the device its key"))?;
        // A device's key may come with the address of the site before it.
        let key = key.rsplit(':').next().unwrap_or_default();
        let scheme = if key.len() == ENHANCED_KEY_LENGTH { "Bearer" } else { "scitran-drone" };
        let authorization = SecretString::from(format!("{scheme} {key}"));
        Self::builder().transport(|builder| at(builder).authorization(authorization)).build()
    }
}
