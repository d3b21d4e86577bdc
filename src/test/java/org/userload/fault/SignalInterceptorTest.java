package org.userload.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.userload.destination.Destination;
import org.userload.destination.DestinationConfig;
import org.userload.destination.InterceptorChoice;
import org.userload.destination.prefetch.PrefetchPolicy;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.protocol.Feature;
import org.userload.protocol.FrameType;
import org.userload.protocol.Hello;
import org.userload.protocol.Role;
import org.userload.protocol.SessionId;
import org.userload.source.LivePageSource;
import org.userload.source.PageServer;
import org.userload.source.ServerListener;
import org.userload.source.SourceSession;
import org.userload.support.FakeSource;
import org.userload.support.Patterns;
import org.userload.support.RawPeer;
import org.userload.support.RawPeer.Frame;
import org.userload.support.Seeds;
import org.userload.support.TestJvm;
import org.userload.transport.Endpoint;
import org.userload.transport.Link;

/**
 * Threads that fetch their own pages in a signal handler. A source in the same process could not serve them, so the destination is
 * a JVM of its own ({@link SignalScenarios}), and the source is here.
 */
@Timeout(300)
class SignalInterceptorTest {
    private static final int PAGES = 12_000;
    private static final int FAKE_PAGES = 400;
    private static final int HANG_SECONDS = 120;
    private static final String LONG_DEADLINE = "30000";

    @TempDir
    private Path directory;

    private static TestJvm.Result run(List<String> options, Endpoint source, String scenario, String... more)
            throws Exception {
        String[] arguments = new String[more.length + 2];
        arguments[0] = scenario;
        arguments[1] = source.toString();
        System.arraycopy(more, 0, arguments, 2, more.length);
        TestJvm.Result result = TestJvm.run(HANG_SECONDS, options, SignalScenarios.class, arguments);
        System.out.println(scenario + ": " + result.output());
        assertThat(result.ended()).as("it hangs: " + result.output()).isTrue();
        return result;
    }

    private static TestJvm.Result runToTheEnd(Endpoint source, String scenario, String... more) throws Exception {
        TestJvm.Result result = run(List.of(), source, scenario, more);
        assertThat(result.output()).contains("closed");
        assertThat(result.exitCode()).isZero();
        return result;
    }

    /** A page server in this process, for a destination in another. */
    private interface WithServer {
        void accept(Endpoint source, long seed) throws Exception;
    }

    private static void serve(Endpoint at, WithServer body) throws Exception {
        long seed = Seeds.of("SignalInterceptorTest");
        try (GuestMemory origin = GuestMemory.present(RegionTable.single(PAGES))) {
            Patterns.fill(origin, seed);
            LivePageSource pages = new LivePageSource(origin, "test guest");
            ServerListener tells = new ServerListener() {
                @Override
                public void ended(SourceSession session, @Nullable Throwable problem) {
                    System.out.println("the source's session has ended: " + problem);
                }
            };
            try (PageServer server = PageServer.serve(at, pages, tells)) {
                body.accept(server.endpoint(), seed);
            }
        }
    }

    private static Endpoint tcp() {
        return Endpoint.parse("127.0.0.1:0");
    }

    private Endpoint unix() {
        return new Endpoint.Unix(directory.resolve("source.sock"));
    }

    /** As many connections as threads, fewer, and one. */
    @ParameterizedTest
    @ValueSource(ints = {16, 3, 1})
    void javaAndNativeCode_readEveryPageRight_underConstantCollections(int connections) throws Exception {
        serve(tcp(), (source, seed) -> {
            TestJvm.Result result = runToTheEnd(
                    source, "collections", Integer.toString(connections), LONG_DEADLINE, Long.toString(seed));
            assertThat(result.output()).contains("every value right");
        });
    }

    @Test
    void unixSocket_servesThem_too() throws Exception {
        serve(
                unix(),
                (source, seed) -> assertThat(runToTheEnd(source, "collections", "4", LONG_DEADLINE, Long.toString(seed))
                                .output())
                        .contains("every value right"));
    }

    /**
     * The JVM looks from time to time whether its handlers are in place, and warns of any other: that one of the user's own is
     * meant to be there is said by AllowUserSignalHandlers.
     */
    @Test
    void jniChecks_findNothing() throws Exception {
        serve(tcp(), (source, seed) -> {
            TestJvm.Result result = run(
                    List.of("-Xcheck:jni", "-XX:+AllowUserSignalHandlers"),
                    source,
                    "collections",
                    "4",
                    LONG_DEADLINE,
                    Long.toString(seed));
            assertThat(result.output())
                    .contains("every value right", "closed")
                    .doesNotContainIgnoringCase("warning")
                    .doesNotContain("FATAL");
        });
    }

    @Test
    void otherSignals_areTheJvms_asBefore() throws Exception {
        serve(tcp(), (source, seed) -> {
            TestJvm.Result result = runToTheEnd(source, "others", "2", LONG_DEADLINE);
            assertThat(result.output()).contains("200000 null pointers", "20 internal errors", "pages came meanwhile");
        });
    }

    @ParameterizedTest
    @CsvSource({"wild, SIGSEGV", "mapped, SIGBUS"})
    void crashReport_isWritten_asBefore(String scenario, String signal) throws Exception {
        Path report = directory.resolve("report.txt");
        serve(tcp(), (source, seed) -> {
            TestJvm.Result result = run(
                    List.of("-XX:ErrorFile=" + report, "-XX:-CreateCoredumpOnCrash"),
                    source,
                    scenario,
                    "2",
                    LONG_DEADLINE);
            assertThat(result.exitCode()).isNotZero();
            assertThat(result.output()).doesNotContain("closed");
            assertThat(Files.readString(report))
                    .contains(signal, "SignalScenarios.main", "# A fatal error has been detected");
        });
    }

    /** A good source for connections for faults. Only threads that fetch their own pages ask on them. */
    private static class FaultScript extends FakeSource.Script {
        @Override
        protected byte @Nullable [] answer(Hello asked, SessionId session, RegionTable table) {
            return RawPeer.bytes(Hello.answer(asked.role(), session, Feature.bits(Feature.FAULTS), table));
        }
    }

    private static long countOf(String what, String text) {
        return text.lines().filter(line -> line.contains(what)).count();
    }

    private static FakeSource fake(FakeSource.Script script) throws IOException {
        return new FakeSource(RegionTable.single(FAKE_PAGES), script);
    }

    @Test
    void sourceThatEndsDuringFaults_isAnErrorInEachThread() throws Exception {
        AtomicInteger requests = new AtomicInteger();
        FakeSource.Script script = new FaultScript() {
            @Override
            protected void request(FakeSource source, RawPeer peer, Frame request) throws IOException {
                if (requests.incrementAndGet() == 3) {
                    source.close();
                }
            }
        };
        try (FakeSource source = fake(script)) {
            TestJvm.Result result = runToTheEnd(source.endpoint(), "lost", "4", LONG_DEADLINE);
            assertThat(result.output())
                    .contains("layer: true page 3 of region 0 cannot be had: source 127.0.0.1")
                    .contains("is lost")
                    .doesNotContain("no exception");
            assertThat(result.output().split("unsafe: java.lang.InternalError", -1))
                    .hasSize(3);
            assertThat(result.output().split("buffer: java.lang.InternalError", -1))
                    .hasSize(3);
        }
    }

    /** A late answer must not be taken for the answer to what is asked next in its place. */
    @Test
    void sourceThatIsSilent_isAnErrorAtTheDeadline_andItsLateAnswersAreNobodys() throws Exception {
        AtomicInteger requests = new AtomicInteger();
        FakeSource.Script script = new FaultScript() {
            @Override
            protected void request(FakeSource source, RawPeer peer, Frame request) throws Exception {
                if (requests.incrementAndGet() <= 3) {
                    Thread.sleep(3900);
                }
                source.answer(peer, request);
            }
        };
        try (FakeSource source = fake(script)) {
            TestJvm.Result result = runToTheEnd(source.endpoint(), "silent", "3", "3000");
            assertThat(result.output())
                    .contains("layer: true page 3", "ETIMEDOUT", "every page right")
                    .contains("unsafe: java.lang.InternalError", "buffer: java.lang.InternalError");
        }
    }

    @Test
    void connectionThatBreaks_isOpenedAgain_andTheRequestIsMadeAgain() throws Exception {
        FakeSource.Script script = new FaultScript() {
            @Override
            protected void request(FakeSource source, RawPeer peer, Frame request) throws IOException {
                long page = request.firstPage();
                if (page % 5 == 0 && source.requestsFor(0, page) == 1) {
                    byte[] whole =
                            RawPeer.frame(FrameType.PAGES.code(), 0, 0, 4096, page, 1, request.id(), new byte[4096]);
                    peer.send(java.util.Arrays.copyOf(whole, page % 10 == 0 ? 10 : 3000));
                    peer.close();
                } else {
                    source.answer(peer, request);
                }
            }
        };
        try (FakeSource source = fake(script)) {
            TestJvm.Result result = runToTheEnd(source.endpoint(), "broken", "2", LONG_DEADLINE);
            assertThat(result.output()).contains("every page right");
            assertThat(source.requestsFor(0, 20)).isEqualTo(2);
        }
    }

    @Test
    void releasedPage_isZero_thoughItsAnswerComesAfterwards() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch released = new CountDownLatch(1);
        FakeSource.Script script = new FaultScript() {
            @Override
            protected byte @Nullable [] answer(Hello hello, SessionId session, RegionTable table) {
                long features = Feature.bits(Feature.FAULTS, Feature.FREE);
                return RawPeer.bytes(Hello.answer(hello.role(), session, features, table));
            }

            @Override
            protected void request(FakeSource source, RawPeer peer, Frame request) throws Exception {
                if (request.firstPage() == 3) {
                    asked.countDown();
                    await(released);
                } else if (request.firstPage() == 7) {
                    await(asked);
                }
                source.answer(peer, request);
            }

            @Override
            protected void other(FakeSource source, Role role, RawPeer peer, Frame frame) throws Exception {
                if (frame.is(FrameType.RELEASED)) {
                    released.countDown();
                }
            }
        };
        try (FakeSource source = fake(script)) {
            TestJvm.Result result = runToTheEnd(source.endpoint(), "released", "2", LONG_DEADLINE);
            assertThat(result.output()).contains("missing: 1", "awaited: 0", "afterwards: 0");
            assertThat(source.requestsFor(0, 3)).isEqualTo(1);
        }
    }

    private static void await(CountDownLatch latch) throws InterruptedException {
        if (!latch.await(60, TimeUnit.SECONDS)) {
            throw new IllegalStateException("nothing has come to the fake source");
        }
    }

    /** Page i gets the i-th of these answers. */
    private static final List<WrongAnswer> WRONG = List.of(
            id -> RawPeer.frame(FrameType.PAGES.code(), 0, 0, 4096, 399, 1, id, new byte[4096]),
            id -> RawPeer.frame(FrameType.PAGES.code(), 0, 0, 4096, 1, 1, id + 1, new byte[4096]),
            id -> RawPeer.frame(FrameType.PAGES.code(), 0, 0, 4095, 2, 1, id, new byte[4095]),
            id -> RawPeer.frame(FrameType.PAGES.code(), 0, 0, 4096, 3, 2, id, new byte[4096]),
            id -> RawPeer.frame(FrameType.PAGES.code(), 0, 1, 4096, 4, 1, id, new byte[4096]),
            id -> RawPeer.frame(FrameType.PAGES.code(), 1, 0, 4096, 5, 1, id, new byte[4096]),
            id -> RawPeer.frame(FrameType.PAGES.code(), 0, 0, Integer.MAX_VALUE, 6, 1, id, new byte[4096]),
            id -> RawPeer.frame(FrameType.PAGES.code(), 0, 0, -1, 7, 1, id, new byte[4096]),
            id -> RawPeer.frame(FrameType.ZERO.code(), 0, 0, 0, 8, 1, id, new byte[20]),
            id -> RawPeer.frame(FrameType.ZERO.code(), 0, 0, 5, 9, 1, id, new byte[5]),
            id -> RawPeer.frame(FrameType.FREE.code(), 0, 0, 8, 10, 1, id, new byte[8]),
            id -> RawPeer.frame(FrameType.PACKED.code(), 0, 0, 100, 11, 1, id, new byte[100]),
            id -> RawPeer.frame(28, 0, 0, 0, 12, 1, id, new byte[0]),
            id -> RawPeer.frame(99, 0, 0, 0, 13, 1, id, new byte[0]),
            id -> RawPeer.frame(FrameType.ERROR.code(), 0, 0, 2, 0, 0, 0, new byte[] {0, 4}));

    private interface WrongAnswer {
        byte[] to(int id);
    }

    @Test
    void wrongAnswers_areErrors_andNothingIsInstalled() throws Exception {
        FakeSource.Script script = new FaultScript() {
            @Override
            protected void request(FakeSource source, RawPeer peer, Frame request) throws IOException {
                if (request.firstPage() < WRONG.size()) {
                    peer.send(WRONG.get((int) request.firstPage()).to(request.id()));
                } else {
                    source.answer(peer, request);
                }
            }
        };
        try (FakeSource source = fake(script)) {
            TestJvm.Result result =
                    runToTheEnd(source.endpoint(), "wrong", "1", LONG_DEADLINE, Integer.toString(WRONG.size()));
            assertThat(countOf("refused: page", result.output())).isEqualTo(WRONG.size());
            assertThat(result.output()).contains("every page right");
        }
    }

    @Test
    void sourceInThisProcess_isRefused() throws Exception {
        for (Endpoint at : List.of(tcp(), unix())) {
            serve(
                    at,
                    (source, seed) -> assertThatThrownBy(() -> Destination.open(
                                    DestinationConfig.from(source).withInterceptor(InterceptorChoice.SIGNAL)))
                            .isInstanceOf(IllegalStateException.class)
                            .hasMessageContainingAll("signal interceptor cannot be used", "is in this process"));
        }
    }

    @Test
    void sourceThatKnowsNoFaultConnections_isRefused() throws Exception {
        try (FakeSource source = fake(new FakeSource.Script())) {
            assertThatThrownBy(() -> Destination.open(
                            DestinationConfig.from(source.endpoint()).withInterceptor(InterceptorChoice.SIGNAL)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("knows no connections for faults");
            assertThat(source.has(Role.FAULT)).isFalse();
        }
    }

    @Test
    void whatItCannotDo_isRefused() throws Exception {
        try (FakeSource source = fake(new FaultScript())) {
            DestinationConfig config =
                    DestinationConfig.from(source.endpoint()).withInterceptor(InterceptorChoice.SIGNAL);
            assertRefused(config.withTrackRemovals(true), "does not learn of dropped pages");
            assertRefused(config.withRecordsWorkingSet(true), "record the working set with userfaultfd");
            assertRefused(config.withPrefetch(PrefetchPolicy.ADAPTIVE), "nothing can be read ahead");
            assertRefused(config.withLink(Link.parse("1gbit/200us")), "do not go over an emulated link");
        }
    }

    private static void assertRefused(DestinationConfig config, String why) {
        assertThatThrownBy(() -> Destination.open(config))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContainingAll("signal interceptor cannot be used", why);
    }
}
