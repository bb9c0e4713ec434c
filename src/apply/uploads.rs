//! Scripts, on their way to a base bucket under the hash of their content.

use sha2::{Digest, Sha256};

use super::broken::Broken;
use super::event::What;
use super::run::Run;
use crate::cloud::{CloudError, ObjectAddress, PutCondition};
use crate::diagnostic::{self, Diagnostic, Severity};
use crate::plan::Upload;

/// SHA-256, hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Run<'_> {
    /// Uploads one file. What the key promises is checked here: a file that has changed since the
    /// plan was made is refused.
    pub(super) fn upload(&self, upload: &Upload) -> Result<(), Broken> {
        let refused = |why: String| {
            let headline = format!("`{}` cannot be uploaded: {why}", upload.path);
            let told = Diagnostic::new(diagnostic::LW0815, Severity::Error, None, headline)
                .help("make a new plan: it takes the file as it is now");
            Broken::Refused(Box::new(told))
        };
        let body = (self.options.read_upload)(upload).map_err(&refused)?;
        if sha256(&body) != upload.sha256 {
            return Err(refused("it is not what the plan was made with".into()));
        }
        let doing = format!("uploading `{}`", upload.path);
        let bucket = self.bucket(&upload.region).map_err(|error| Broken::call(error, &doing))?;
        let at = ObjectAddress { bucket, key: upload.key.clone() };
        let put = || self.watcher.cloud.put_object(&at, &body, PutCondition::Absent);
        match self.watcher.insist(put) {
            Ok(_) | Err(CloudError::PreconditionFailed(_)) => {
                let bytes = upload.bytes;
                self.watcher.tell(What::Uploaded { key: upload.key.clone(), bytes });
                Ok(())
            }
            Err(error) => Err(Broken::call(error, &doing)),
        }
    }
}
