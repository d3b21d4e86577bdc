package org.userload.destination;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.destination.prefetch.PrefetchPolicy;
import org.userload.destination.prefetch.WorkingSet;
import org.userload.destination.prefetch.WorkingSetRecorder;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.protocol.Feature;
import org.userload.protocol.FrameType;
import org.userload.protocol.Hello;
import org.userload.protocol.Role;
import org.userload.protocol.SessionId;
import org.userload.support.FakeSource;
import org.userload.support.RawPeer;
import org.userload.support.RawPeer.Frame;
import org.userload.support.StreamingSource;
import org.userload.support.Threads;

/** What a destination tells its source of the order, and of what is in place, and what it believes of a source that lies. */
@Timeout(60)
class PreferencesAtDestinationTest {
    private static final long FAR = 1L << 40;
    private static final RegionTable TABLE = new RegionTable(
            PageSize.DEFAULT, List.of(new RegionTable.Entry(0, 2_000), new RegionTable.Entry(FAR, 100)));

    private static DestinationConfig config(StreamingSource source, InterceptorChoice choice) {
        return DestinationConfig.from(source.endpoint()).withInterceptor(choice).withStreamAtOnce(false);
    }

    private record Run(int region, long first, int count) {}

    private static List<Run> runsOf(Frame prefer) {
        List<Run> runs = new ArrayList<>();
        ByteBuffer body = prefer.body();
        while (body.hasRemaining()) {
            runs.add(new Run(prefer.region(), body.getLong(), body.getInt()));
        }
        assertThat(runs).hasSize((int) prefer.count());
        return runs;
    }

    private static WorkingSet workingSet(RegionTable table) {
        WorkingSetRecorder recorder = new WorkingSetRecorder(table);
        recorder.touched(0, 50);
        recorder.touched(0, 51);
        recorder.touched(1, 99);
        recorder.touched(0, 7);
        return recorder.recorded();
    }

    @Test
    void workingSet_isToldBeforeSTART_inItsOrder() throws Exception {
        try (StreamingSource source = new StreamingSource(TABLE, true, Feature.PREFER);
                Destination destination = Destination.open(
                        config(source, InterceptorChoice.SOFTWARE).withWorkingSet(workingSet(TABLE)))) {
            destination.startStream();
            List<Run> runs = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                Frame prefer = source.hear(FrameType.PREFER);
                assertThat(prefer.id()).isEqualTo(1);
                runs.addAll(runsOf(prefer));
            }
            assertThat(runs).containsExactly(new Run(0, 50, 2), new Run(1, 99, 1), new Run(0, 7, 1));
            assertThat(source.hear(FrameType.START).id()).isEqualTo(2);
        }
    }

    @Test
    void workingSetOfAnotherGuest_isNotTold() throws Exception {
        try (StreamingSource source = new StreamingSource(TABLE, true, Feature.PREFER);
                Destination destination = Destination.open(config(source, InterceptorChoice.SOFTWARE)
                        .withWorkingSet(workingSet(new RegionTable(
                                PageSize.DEFAULT,
                                List.of(new RegionTable.Entry(0, 2_000), new RegionTable.Entry(FAR, 101))))))) {
            destination.startStream();
            source.hear(FrameType.START);
        }
    }

    @Test
    void sourceThatTakesNoPreferences_isToldNone_andCannotHoldBack() throws Exception {
        try (StreamingSource source = new StreamingSource(TABLE, true);
                Destination destination = Destination.open(config(source, InterceptorChoice.SOFTWARE)
                        .withPrefetch(PrefetchPolicy.fixed(8))
                        .withWorkingSet(workingSet(TABLE)))) {
            destination.memory().getLong(0);
            destination.startStream();
            assertThat(source.hear(FrameType.START).id()).isZero();
            assertThatThrownBy(() -> Destination.open(
                            config(source, InterceptorChoice.SOFTWARE).withBackgroundStream(false)))
                    .hasMessageContaining("cannot hold back");
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = InterceptorChoice.class,
            names = {"USERFAULTFD", "SOFTWARE"})
    void fixedWindow_isToldBehindEachFault_onlyOnce(InterceptorChoice choice) throws Exception {
        try (StreamingSource source = new StreamingSource(TABLE, true, Feature.PREFER);
                Destination destination =
                        Destination.open(config(source, choice).withPrefetch(PrefetchPolicy.fixed(8)))) {
            GuestMemory memory = destination.memory();
            memory.getLong(100 << 12);
            Frame first = source.hear(FrameType.PREFER);
            assertThat(first.id()).isZero();
            assertThat(runsOf(first)).containsExactly(new Run(0, 101, 8));
            memory.getLong(105 << 12);
            assertThat(runsOf(source.hear(FrameType.PREFER))).containsExactly(new Run(0, 109, 5));
            memory.getLong(FAR + (97L << 12));
            assertThat(runsOf(source.hear(FrameType.PREFER))).containsExactly(new Run(1, 98, 2));
            assertThat(source.requestCount()).isEqualTo(3);
            assertThat(destination.statistics().prefetch().requested()).isEqualTo(3);
            assertThat(destination.statistics().prefetch().preferred()).isEqualTo(15);
        }
    }

    /** A page that is about to come is not asked for; if it does not come, it is. */
    @ParameterizedTest
    @EnumSource(
            value = InterceptorChoice.class,
            names = {"USERFAULTFD", "SOFTWARE"})
    void pageAboutToCome_isAskedFor_onlyWhenItDoesNot(InterceptorChoice choice) throws Exception {
        try (StreamingSource source = new StreamingSource(TABLE, true, Feature.PREFER);
                Destination destination =
                        Destination.open(config(source, choice).withPrefetch(PrefetchPolicy.fixed(400)))) {
            GuestMemory memory = destination.memory();
            destination.startStream();
            source.hear(FrameType.START);
            memory.getLong(0);
            source.hear(FrameType.PREFER);
            int late = 0;
            for (int page = 1; page < 400; page++) {
                // The source dies of silence for a moment after each page; who touches the next one gets it all the
                // same.
                source.pages(TABLE, 0, page, 1);
                long next = page + 1L;
                if (page % 2 == 1) {
                    assertThat(memory.getLong(next << 12)).isEqualTo(FakeSource.wordAt(next << 12));
                    late++;
                    page++;
                }
            }
            assertThat(source.requestCount()).isEqualTo(1 + late);
            var statistics = destination.statistics().prefetch();
            assertThat(statistics.requested()).isEqualTo(1 + late);
            assertThat(statistics.late()).isBetween(1L, (long) late);
        }
    }

    @Test
    void streamThatIsHeldBack_isNotMissed_andLetGoOnce() throws Exception {
        try (StreamingSource source = new StreamingSource(TABLE, true, Feature.PREFER);
                Destination destination = Destination.open(config(source, InterceptorChoice.USERFAULTFD)
                        .withBackgroundStream(false)
                        .withDeadline(java.time.Duration.ofMillis(200)))) {
            destination.startStream();
            assertThat(source.hear(FrameType.START).id()).isEqualTo(3);
            assertThatThrownBy(() -> destination.completion().get(600, TimeUnit.MILLISECONDS))
                    .isInstanceOf(java.util.concurrent.TimeoutException.class);
            destination.streamRest();
            destination.streamRest();
            assertThat(source.hear(FrameType.START).id()).isEqualTo(2);
            source.pages(TABLE, 0, 0, 1);
            assertThatThrownBy(() -> destination.completion().get(20, TimeUnit.SECONDS))
                    .hasMessageContaining("has sent nothing");
        }
    }

    @Test
    void pageThatCameOnDemand_isSaidToBeInPlace_toASourceThatGivesPagesUp() throws Exception {
        try (StreamingSource source = new StreamingSource(TABLE, true, Feature.RELEASE_SOURCE);
                Destination destination = Destination.open(config(source, InterceptorChoice.USERFAULTFD))) {
            destination.memory().getLong(77 << 12);
            Frame installed = source.hear(FrameType.INSTALLED);
            assertThat(installed.region()).isZero();
            assertThat(installed.firstPage()).isEqualTo(77);
            assertThat(installed.count()).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = InterceptorChoice.class,
            names = {"USERFAULTFD", "SOFTWARE"})
    void answerThatAPageIsInPlace_isTrue_whenItCameInTheStream(InterceptorChoice choice) throws Exception {
        try (StreamingSource source = new StreamingSource(TABLE, false, Feature.RELEASE_SOURCE);
                Destination destination = Destination.open(config(source, choice))) {
            destination.startStream();
            source.hear(FrameType.START);
            FutureTask<Long> touching = Threads.start(() -> destination.memory().getLong(5 << 12));
            Frame request = source.nextRequest();
            source.pages(TABLE, 0, 5, 1);
            assertThat(Threads.join(touching, 20)).isEqualTo(FakeSource.wordAt(5 << 12));
            source.sync().send(FrameType.INSTALLED, 0, 5, 1, request.id(), new byte[0]);
            FutureTask<Long> another = Threads.start(() -> destination.memory().getLong(6 << 12));
            source.fake().answer(source.sync(), source.nextRequest());
            assertThat(Threads.join(another, 20)).isEqualTo(FakeSource.wordAt(6 << 12));
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = InterceptorChoice.class,
            names = {"USERFAULTFD", "SOFTWARE"})
    void answerThatAMissingPageIsInPlace_isALie_andEndsTheSession(InterceptorChoice choice) throws Exception {
        try (StreamingSource source = new StreamingSource(TABLE, false, Feature.RELEASE_SOURCE);
                Destination destination = Destination.open(config(source, choice))) {
            FutureTask<Long> touching = Threads.start(() -> destination.memory().getLong(5 << 12));
            Frame request = source.nextRequest();
            source.sync().send(FrameType.INSTALLED, 0, 5, 1, request.id(), new byte[0]);
            assertThatThrownBy(() -> destination.completion().get(20, TimeUnit.SECONDS))
                    .hasMessageContaining("page 5 of region 0 is in place here, and it is not");
            assertThat(Threads.failure(touching, 20)).hasMessageContaining("page 5");
        }
    }

    @Test
    void answerThatAPageIsInPlace_isRefused_unlessItWasAgreedOn_andAskedFor() throws Exception {
        for (Feature[] features : new Feature[][] {{}, {Feature.RELEASE_SOURCE}}) {
            try (StreamingSource source = new StreamingSource(TABLE, true, features);
                    Destination destination = Destination.open(config(source, InterceptorChoice.SOFTWARE))) {
                source.peer(Role.SYNC).send(FrameType.INSTALLED, 0, 5, 1);
                assertThatThrownBy(() -> destination.completion().get(20, TimeUnit.SECONDS))
                        .hasMessageContaining(features.length == 0 ? "not agreed on" : "not asked for");
            }
        }
    }

    /** What is acknowledged may be given up: a session that is failing installs nothing more, and may not say that it has. */
    @Test
    void pageThatIsAcknowledged_isInPlace_alsoWhenTheSessionFailsMeanwhile() throws Exception {
        RegionTable table = RegionTable.single(20_000);
        for (int i = 0; i < 40; i++) {
            ConcurrentLinkedQueue<Frame> acknowledged = new ConcurrentLinkedQueue<>();
            CountDownLatch started = new CountDownLatch(1);
            try (FakeSource source = new FakeSource(table, new FakeSource.Script() {
                        @Override
                        protected byte[] answer(Hello asked, SessionId session, RegionTable regions) {
                            return RawPeer.bytes(
                                    Hello.answer(asked.role(), session, Feature.bits(Feature.RELEASE_SOURCE), regions));
                        }

                        @Override
                        protected void other(FakeSource from, Role role, RawPeer peer, Frame frame) {
                            if (frame.is(FrameType.ACK)) {
                                acknowledged.add(frame);
                            } else if (frame.is(FrameType.START)) {
                                started.countDown();
                            }
                        }
                    });
                    Destination destination = Destination.open(
                            DestinationConfig.from(source.endpoint()).withStreamAtOnce(true))) {
                byte[] body = new byte[16 << 12];
                assertThat(started.await(20, TimeUnit.SECONDS)).isTrue();
                FutureTask<Integer> streaming = Threads.start(() -> {
                    int page = 0;
                    try {
                        for (; page < 20_000; page += 16) {
                            source.peer(Role.STREAM).send(FrameType.PAGES, 0, page, 16, 0, body);
                        }
                    } catch (IOException e) {
                        // The session is over.
                    }
                    return page;
                });
                Threads.await("pages", 20, () -> acknowledged.size() > 5);
                byte[] error = {0, 4, 'o', 'u', 't'};
                source.peer(Role.CONTROL).send(FrameType.ERROR, 0, 0, 0, 0, error);
                assertThatThrownBy(() -> destination.completion().get(20, TimeUnit.SECONDS))
                        .hasMessageContaining("out");
                Threads.join(streaming, 20);
                var received = destination.memory().region(0).received();
                for (Frame frame : acknowledged) {
                    long end = frame.firstPage() + frame.count();
                    assertThat(received.nextClear(frame.firstPage(), end))
                            .as("the first page that is missing of %d to %d", frame.firstPage(), end)
                            .isEqualTo(end);
                }
            }
        }
    }
}
