//! What a request needs before any door is asked holds no serving thread.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use freehold::domain::action::ListWorkspaces;
use freehold::storage::Standing;
use parking_lot::Mutex;

use crate::node::{Node, Place};
use crate::world;

#[test]
fn a_caller_is_looked_up_without_holding_the_thread_while_every_reader_is_busy() {
    let node = Node::at(&Place::new(), |settings| settings.readers_per_tenant = 1);
    node.import(&world::tenants(["busy"]));
    let (store, call) = (node.store("busy"), node.call("busy", "mark"));
    let (begun, has_begun) = channel();
    let (release, released) = channel::<()>();
    let released = Mutex::new(released);
    let reading = std::thread::spawn({
        let (store, call) = (store.clone(), call.clone());
        move || {
            store.read_blocking::<ListWorkspaces, _>(&call, store.tenant(), |_| {
                begun.send(()).unwrap();
                released.lock().recv().unwrap();
                Ok(())
            })
        }
    });
    has_begun.recv_timeout(Duration::from_secs(30)).unwrap();
    let serving = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let caller: Arc<_> = call.caller.clone();
    // Polled first, the look-up leaves the thread to the future that ends the slow read.
    let known = serving.block_on(async {
        let release = async { release.send(()).unwrap() };
        futures_util::future::join(store.standing(&caller), release).await.0
    });
    assert_eq!(known.unwrap(), Standing::Known);
    reading.join().unwrap().unwrap();
}
