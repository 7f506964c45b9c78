//! Runs a server on a background thread.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// A thread that runs a server until this is dropped, which also ends its connections.
#[derive(Debug)]
pub(crate) struct Background {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    /// Listens at `addr` and runs `server` on a new thread.
    pub(crate) fn listen<F: Future<Output = ()> + Send + 'static>(
        name: &str,
        addr: SocketAddr,
        server: impl FnOnce(TcpListener) -> F + Send + 'static,
    ) -> io::Result<(SocketAddr, Self)> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _runtime = runtime.enter();
            let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
            socket.set_reuseaddr(true)?;
            socket.bind(addr)?;
            socket.listen(1024)?
        };
        let addr = listener.local_addr()?;
        let (stop, mut stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    // A server can stop accepting while its connections go on.
                    () = server(listener) => {}
                    _ = &mut stopped => return,
                }
                let _ = stopped.await;
            });
            runtime.shutdown_background();
        })?;
        Ok((addr, Self { stop: Some(stop), thread: Some(thread) }))
    }
}

/// Accepts a connection. Retries after errors, which most likely mean that file descriptors ran out for a while.
pub(crate) async fn next_connection(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
