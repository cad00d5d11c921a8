//! From settings to connections: one server, a cluster, or whatever sentinels say.

use std::{io, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, Cmd, ConnectionAddr, ErrorKind, FromRedisValue,
    IntoConnectionInfo, Pipeline, RedisConnectionInfo, RedisError, RedisResult, TlsCertificates, TlsMode,
    aio::{ConnectionLike, MultiplexedConnection, PubSub},
    cluster::ClusterClient,
    cluster_async::ClusterConnection,
    sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType},
};

use crate::config::settings::{RedisAddress, RedisServers, RedisSettings};

/// A connection for commands; clones share it.
#[derive(Clone)]
pub(super) enum Link {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Link {
    pub(super) async fn query<T: FromRedisValue>(&mut self, command: &Cmd) -> RedisResult<T> {
        match self {
            Self::One(link) => command.query_async(link).await,
            Self::Cluster(link) => command.query_async(link).await,
        }
    }

    pub(super) async fn pipeline<T: FromRedisValue>(&mut self, pipeline: &Pipeline) -> RedisResult<T> {
        match self {
            Self::One(link) => pipeline.query_async(link).await,
            Self::Cluster(link) => pipeline.query_async(link).await,
        }
    }

    pub(super) fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    /// Whether a cluster serves all slots, as far as one of its members knows; an error when it does not.
    pub(super) async fn is_whole(&mut self) -> RedisResult<()> {
        let info: String = match self.query(redis::cmd("CLUSTER").arg("INFO")).await {
            Ok(info) => info,
            // A user that may not ask is still connected.
            Err(error) if error.code() == Some("NOPERM") => return Ok(()),
            Err(error) => return Err(error),
        };
        match info.contains("cluster_state:ok") {
            true => Ok(()),
            false => Err(io::Error::other("the cluster does not serve all of its slots").into()),
        }
    }
}

impl ConnectionLike for Link {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> redis::RedisFuture<'a, redis::Value> {
        match self {
            Self::One(link) => link.req_packed_command(command),
            Self::Cluster(link) => link.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> redis::RedisFuture<'a, Vec<redis::Value>> {
        match self {
            Self::One(link) => link.req_packed_commands(pipeline, offset, count),
            Self::Cluster(link) => link.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::One(link) => link.get_db(),
            Self::Cluster(link) => link.get_db(),
        }
    }
}

/// Makes connections.
pub(super) struct Servers {
    settings: RedisSettings,
    connect: Duration,
    respond: Duration,
}

impl Servers {
    pub(super) fn new(settings: RedisSettings, connect: Duration, respond: Duration) -> Self {
        Self { settings, connect, respond }
    }

    /// For the log: hosts and ports, no secrets.
    pub(super) fn shown(&self) -> String {
        let list = |addresses: &[RedisAddress]| {
            let shown = addresses.iter().map(|address| format!("{}:{}", address.host, address.port));
            shown.collect::<Vec<_>>().join(", ")
        };
        match &self.settings.servers {
            RedisServers::One(address) => list(std::slice::from_ref(address)),
            RedisServers::Cluster(addresses) => format!("cluster of {}", list(addresses)),
            RedisServers::Sentinels { addresses, master, .. } => {
                format!("master {master} of sentinels {}", list(addresses))
            }
        }
    }

    /// A connection for commands, and one for signals.
    pub(super) async fn connect(&self) -> RedisResult<(Link, PubSub)> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connect))
            .set_response_timeout(Some(self.respond));
        match &self.settings.servers {
            RedisServers::One(address) => {
                let client = self.client(address)?;
                let link = client.get_multiplexed_async_connection_with_config(&config).await?;
                Ok((Link::One(link), self.signals(&client).await?))
            }
            RedisServers::Sentinels { addresses, master, password } => {
                let mut sentinels = self.sentinels(addresses, master, password)?;
                let client = self.in_time(sentinels.async_get_client()).await?;
                let link = client.get_multiplexed_async_connection_with_config(&config).await?;
                Ok((Link::One(link), self.signals(&client).await?))
            }
            RedisServers::Cluster(addresses) => {
                let mut link =
                    Link::Cluster(self.in_time(self.cluster(addresses)?.get_async_connection()).await?);
                self.in_time(link.is_whole()).await?;
                // Any member passes on what is published anywhere.
                let mut error = None;
                for address in addresses {
                    match self.signals(&self.client(address)?).await {
                        Ok(signals) => return Ok((link, signals)),
                        Err(failure) => error = Some(failure),
                    }
                }
                Err(error
                    .unwrap_or_else(|| RedisError::from((ErrorKind::InvalidClientConfig, "no addresses"))))
            }
        }
    }

    async fn signals(&self, client: &Client) -> RedisResult<PubSub> {
        self.in_time(async {
            let mut signals = client.get_async_pubsub().await?;
            signals.subscribe(super::super::signal::CHANNEL).await?;
            Ok(signals)
        })
        .await
    }

    async fn in_time<T>(&self, work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
        match tokio::time::timeout(self.connect, work).await {
            Ok(done) => done,
            Err(_) => {
                let text = format!("no answer within {:?}", self.connect);
                Err(io::Error::new(io::ErrorKind::TimedOut, text).into())
            }
        }
    }

    fn client(&self, address: &RedisAddress) -> RedisResult<Client> {
        let settings = &self.settings;
        let mut redis = RedisConnectionInfo::default().set_db(settings.database.into());
        if !settings.username.is_empty() {
            redis = redis.set_username(&settings.username);
        }
        if !settings.password.is_empty() {
            redis = redis.set_password(&settings.password);
        }
        let info = self.address(address).into_connection_info()?.set_redis_settings(redis);
        match self.certificates()? {
            Some(certificates) => Client::build_with_tls(info, certificates),
            None => Client::open(info),
        }
    }

    fn address(&self, address: &RedisAddress) -> ConnectionAddr {
        let RedisAddress { host, port } = address.clone();
        match &self.settings.tls {
            None => ConnectionAddr::Tcp(host, port),
            Some(tls) => {
                ConnectionAddr::TcpTls { host, port, insecure: tls.insecure_skip_verify, tls_params: None }
            }
        }
    }

    fn tls_mode(&self) -> Option<TlsMode> {
        self.settings.tls.as_ref().map(|tls| match tls.insecure_skip_verify {
            true => TlsMode::Insecure,
            false => TlsMode::Secure,
        })
    }

    /// Read each time, so that renewed certificates are taken by a new connection.
    fn certificates(&self) -> RedisResult<Option<TlsCertificates>> {
        let Some(tls) = &self.settings.tls else { return Ok(None) };
        let read = |path: &std::path::Path| {
            std::fs::read(path)
                .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
        };
        let client_tls = match &tls.certificate {
            None => None,
            Some((certificate, key)) => {
                Some(ClientTlsConfig { client_cert: read(certificate)?, client_key: read(key)? })
            }
        };
        let root_cert = tls.authorities.as_deref().map(read).transpose()?;
        Ok(Some(TlsCertificates { client_tls, root_cert }))
    }

    fn sentinels(
        &self,
        addresses: &[RedisAddress],
        master: &str,
        password: &str,
    ) -> RedisResult<SentinelClient> {
        let settings = &self.settings;
        let addresses = addresses.iter().map(|address| self.address(address));
        let mut builder = SentinelClientBuilder::new(addresses, master, SentinelServerType::Master)?
            .set_client_to_redis_db(settings.database.into());
        if !settings.username.is_empty() {
            builder = builder.set_client_to_redis_username(&settings.username);
        }
        if !settings.password.is_empty() {
            builder = builder.set_client_to_redis_password(&settings.password);
        }
        if !password.is_empty() {
            builder = builder.set_client_to_sentinel_password(password);
        }
        if let Some(mode) = self.tls_mode() {
            builder = builder.set_client_to_redis_tls_mode(mode).set_client_to_sentinel_tls_mode(mode);
        }
        if let Some(certificates) = self.certificates()? {
            builder = builder
                .set_client_to_redis_certificates(certificates.clone())
                .set_client_to_sentinel_certificates(certificates);
        }
        builder.build()
    }

    fn cluster(&self, addresses: &[RedisAddress]) -> RedisResult<ClusterClient> {
        let settings = &self.settings;
        let nodes = addresses.iter().map(|address| self.address(address));
        let mut builder = ClusterClient::builder(nodes)
            .connection_timeout(self.connect)
            .response_timeout(self.respond)
            .overall_response_timeout(Some(self.respond));
        if !settings.username.is_empty() {
            builder = builder.username(&settings.username);
        }
        if !settings.password.is_empty() {
            builder = builder.password(&settings.password);
        }
        if let Some(mode) = self.tls_mode() {
            builder = builder.tls(mode);
        }
        if let Some(certificates) = self.certificates()? {
            builder = builder.certs(certificates);
        }
        builder.build()
    }
}
