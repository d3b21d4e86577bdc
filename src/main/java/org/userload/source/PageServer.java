package org.userload.source;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.EventLoop;
import io.netty.channel.IoEventLoop;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.userload.hint.FreePages;
import org.userload.memory.PageSize;
import org.userload.protocol.ErrorCode;
import org.userload.protocol.Feature;
import org.userload.protocol.Hello;
import org.userload.protocol.Role;
import org.userload.protocol.SessionId;
import org.userload.transport.Endpoint;
import org.userload.transport.EventLoops;
import org.userload.transport.OutboundLink;
import org.userload.transport.Sockets;

/**
 * Serves the pages of one source to destinations.
 *
 * <p>Three loops, one thread each: control and accept, requests, stream. A request never waits for the stream.
 *
 * <p><b>Threads.</b> {@link #serve} and {@link #close} on any thread but the loops. <b>Ownership.</b> The server owns
 * its sockets, threads and sessions, not the page source: close the server first.
 */
public final class PageServer implements AutoCloseable {
    private static final Duration HELLO_TIMEOUT = Duration.ofSeconds(5);
    private static final Logger LOG = LoggerFactory.getLogger(PageServer.class);

    private final PageSource source;
    private final ServerListener listener;
    private final Service service;
    private final PageEncoding encoding;
    private final UnreadPages unread;
    private final boolean releaseSource;
    private final Duration helloTimeout;
    private final EventLoops loops = new EventLoops();
    private final IoEventLoop controlLoop;
    private final IoEventLoop requestLoop;
    private final IoEventLoop streamLoop;
    private final Map<SessionId, SourceSession> sessions = new ConcurrentHashMap<>();
    private final Endpoint endpoint;
    private final @Nullable BandwidthCap cap;

    /** What is served. */
    private enum Service {
        IMAGE,
        GUEST,
        GUEST_IN_ROUNDS
    }

    /** What a connection became: its session and role, where it runs, and what to answer. */
    record Admission(SourceSession session, ConnectionRole role, EventLoop loop, Hello answer) {}

    private PageServer(
            ServerConfig config,
            PageSource source,
            Service service,
            UnreadPages unread,
            Duration helloTimeout,
            ServerListener listener)
            throws IOException {
        this.source = source;
        this.unread = unread;
        this.helloTimeout = helloTimeout;
        this.service = service;
        this.encoding = config.encoding();
        this.releaseSource = config.releaseSource() && service != Service.IMAGE;
        this.listener = listener;
        this.cap = config.maxBytesPerSecond() == 0
                ? null
                : new BandwidthCap(config.maxBytesPerSecond(), System.nanoTime());
        this.controlLoop = loops.start("userload-source-control", config.placement(), 2, false);
        this.requestLoop = loops.start("userload-source-requests", config.placement(), 0, true);
        this.streamLoop = loops.start("userload-source-stream", config.placement(), 1, false);
        try {
            Channel bound = Sockets.listen(
                    config.endpoint(),
                    controlLoop,
                    () -> new SourceConnection(this),
                    config.link() == null ? null : new OutboundLink(config.link()));
            this.endpoint = Endpoint.of(bound.localAddress(), config.endpoint());
        } catch (IOException | RuntimeException e) {
            loops.close();
            throw e;
        }
    }

    /**
     * Serves a source whose pages are stable, to any number of destinations.
     *
     * @throws IOException when the address cannot be listened on; the message names it
     */
    public static PageServer serve(Endpoint endpoint, PageSource source, ServerListener listener) throws IOException {
        return serve(ServerConfig.at(endpoint), source, listener);
    }

    /** As {@link #serve(Endpoint, PageSource, ServerListener)}, configured. */
    public static PageServer serve(ServerConfig config, PageSource source, ServerListener listener) throws IOException {
        return new PageServer(config, source, Service.IMAGE, UnreadPages.NONE, HELLO_TIMEOUT, listener);
    }

    /** @param helloTimeout how long a connection may take to say what it is for */
    static PageServer serve(Endpoint endpoint, PageSource source, Duration helloTimeout, ServerListener listener)
            throws IOException {
        return new PageServer(
                ServerConfig.at(endpoint), source, Service.IMAGE, UnreadPages.NONE, helloTimeout, listener);
    }

    /**
     * Serves the memory of a guest that still runs: each session waits for {@link SourceSession#release}.
     *
     * @param rounds whether pages are streamed before that, through {@link SourceSession#stream}
     */
    public static PageServer serveGuest(ServerConfig config, PageSource source, boolean rounds, ServerListener listener)
            throws IOException {
        return serveGuest(config, source, rounds, null, listener);
    }

    /**
     * As {@link #serveGuest(ServerConfig, PageSource, boolean, ServerListener)}, with pages that need not be read.
     *
     * @param free what is known of them; null for nothing
     */
    public static PageServer serveGuest(
            ServerConfig config, PageSource source, boolean rounds, @Nullable FreePages free, ServerListener listener)
            throws IOException {
        return new PageServer(
                config,
                source,
                rounds ? Service.GUEST_IN_ROUNDS : Service.GUEST,
                UnreadPages.of(free),
                HELLO_TIMEOUT,
                listener);
    }

    /** Where it listens, with the real port. */
    public Endpoint endpoint() {
        return endpoint;
    }

    Duration helloTimeout() {
        return helloTimeout;
    }

    int pageBytes() {
        return source.regions().pageSize().bytes();
    }

    /** Decides on a hello. Control loop. */
    Admission admit(Hello hello, ChannelHandlerContext context) {
        if (!hello.pageSize().equals(source.regions().pageSize())) {
            throw new RefusedException(
                    ErrorCode.PROTOCOL,
                    "pages are " + pageBytes() + " bytes here, not "
                            + hello.pageSize().bytes());
        }
        SourceSession session = hello.role() == Role.CONTROL ? create(hello) : sessions.get(hello.session());
        if (session == null) {
            throw new RefusedException(ErrorCode.UNKNOWN_SESSION, "no session " + hello.session());
        }
        session.attach(hello.role(), context);
        PageEncoding agreed = session.encoding().with(hello.features(), session.hasRounds());
        UnreadPages skipped = session.unread().with(hello.features());
        long features = agreed.features()
                | skipped.features()
                | (session.hasRounds() ? Feature.bits(Feature.ROUNDS) : 0)
                | (session.sourceRelease() == null ? 0 : Feature.bits(Feature.RELEASE_SOURCE))
                | (hello.features() & Feature.bits(Feature.PREFER, Feature.FAULTS));
        Hello answer = Hello.answer(hello.role(), session.id(), features, source.regions());
        return switch (hello.role()) {
            case CONTROL ->
                new Admission(session, new ControlRole(session, this::connectionLost, listener), controlLoop, answer);
            case SYNC ->
                new Admission(
                        session,
                        new RequestRole(session, this::connectionLost, cap, agreed, skipped),
                        requestLoop,
                        answer);
            case FAULT ->
                new Admission(
                        session,
                        new RequestRole(session, (of, role, cause) -> of.detachFault(context), cap, agreed, skipped),
                        requestLoop,
                        answer);
            case STREAM -> {
                boolean blocks = Feature.BLOCKS.in(hello.features())
                        && agreed.features() == 0
                        && hello.pageSize().equals(PageSize.DEFAULT);
                StreamRole stream = new StreamRole(
                        session,
                        this::connectionLost,
                        cap,
                        agreed,
                        skipped,
                        blocks,
                        Feature.PREFER.in(hello.features()));
                session.streamIs(new SessionStream(session, stream, context));
                yield new Admission(session, stream, streamLoop, blocks ? answer.with(Feature.BLOCKS) : answer);
            }
        };
    }

    private SourceSession create(Hello hello) {
        if (!hello.session().equals(SessionId.NONE)) {
            throw new RefusedException(ErrorCode.UNKNOWN_SESSION, "no session " + hello.session());
        }
        if (service == Service.GUEST_IN_ROUNDS && !Feature.ROUNDS.in(hello.features())) {
            throw new RefusedException(
                    ErrorCode.PROTOCOL, "this guest moves in rounds, which the destination does not support");
        }
        boolean rounds = service == Service.GUEST_IN_ROUNDS;
        SourceSession session = new SourceSession(
                SessionId.random(),
                source,
                service == Service.IMAGE,
                rounds,
                encoding.with(hello.features(), rounds),
                unread.with(hello.features()),
                releaseSource && Feature.RELEASE_SOURCE.in(hello.features()));
        sessions.put(session.id(), session);
        return session;
    }

    /** A connection has begun its role; on its role's loop. */
    void begun(Admission admission) {
        SourceSession session = admission.session();
        if (session.isNewlyAttached()) {
            controlLoop.execute(() -> listener.attached(session));
        }
    }

    /** A connection that never said a valid hello. */
    void strangerLeft(@Nullable Throwable cause) {
        LOG.info(
                "refused a connection to {}: {}",
                endpoint,
                cause == null ? "closed before its hello" : cause.getMessage());
    }

    private void connectionLost(SourceSession session, String role, @Nullable Throwable cause) {
        // First removed, then ended: the connections that this closes are not why the session ends.
        if (sessions.remove(session.id()) == null) {
            return;
        }
        session.end(cause);
        Throwable problem = session.isComplete()
                ? null
                : cause != null ? cause : new IOException("the destination closed its " + role + " connection early");
        controlLoop.execute(() -> listener.ended(session, problem));
    }

    /** Ends every session and every thread. Idempotent. */
    @Override
    public void close() {
        sessions.values().forEach(SourceSession::close);
        sessions.clear();
        loops.close();
    }
}
