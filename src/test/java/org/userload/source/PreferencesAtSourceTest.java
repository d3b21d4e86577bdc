package org.userload.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.protocol.Feature;
import org.userload.protocol.FrameType;
import org.userload.protocol.Hello;
import org.userload.protocol.Role;
import org.userload.protocol.SessionId;
import org.userload.support.Patterns;
import org.userload.support.RawPeer;
import org.userload.support.RawPeer.Frame;
import org.userload.support.Seeds;
import org.userload.transport.Endpoint;

/** What a destination may say about the order of the stream, over sockets. */
@Timeout(60)
class PreferencesAtSourceTest {
    private static final RegionTable TABLE = new RegionTable(
            PageSize.DEFAULT, List.of(new RegionTable.Entry(0, 3_000), new RegionTable.Entry(1L << 40, 900)));
    private static final int ONLY_PREFERRED = 1;
    private static final int FOLLOW_FAULTS = 2;
    private static final int WINDOW = 1 << 20;

    private GuestMemory memory;
    private PageServer server;
    private final List<RawPeer> peers = new ArrayList<>();

    @BeforeEach
    void serve() throws IOException {
        memory = GuestMemory.present(TABLE);
        Patterns.fill(memory, 5);
        server = PageServer.serve(
                Endpoint.parse("127.0.0.1:0"), new LivePageSource(memory, "guest"), new ServerListener() {});
    }

    @AfterEach
    void end() throws IOException {
        for (RawPeer peer : peers) {
            peer.close();
        }
        server.close();
        memory.close();
    }

    private RawPeer join(Role role, SessionId session, long features) throws IOException {
        RawPeer peer = RawPeer.connect(server.endpoint());
        peers.add(peer);
        peer.send(new Hello(Hello.VERSION, role, PageSize.DEFAULT, features, session, null));
        return peer;
    }

    /** Control, sync, stream. */
    private List<RawPeer> session(long features) throws IOException {
        RawPeer control = join(Role.CONTROL, SessionId.NONE, features);
        SessionId id = control.read().hello().session();
        RawPeer sync = join(Role.SYNC, id, features);
        sync.read();
        RawPeer stream = join(Role.STREAM, id, features);
        assertThat(Feature.PREFER.in(stream.read().hello().features())).isEqualTo(Feature.PREFER.in(features));
        return List.of(control, sync, stream);
    }

    private static void prefer(RawPeer stream, int how, int region, long... runs) throws IOException {
        stream.send(FrameType.PREFER, region, 0, runs.length / 2, how, body(runs));
    }

    private static byte[] body(long... runs) {
        ByteBuffer body = ByteBuffer.allocate(runs.length / 2 * 12);
        for (int i = 0; i < runs.length; i += 2) {
            body.putLong(runs[i]).putInt((int) runs[i + 1]);
        }
        return body.array();
    }

    private static void start(RawPeer stream, int flags) throws IOException {
        stream.send(FrameType.START, 0, 0, WINDOW, flags, new byte[0]);
    }

    private record Page(int region, long page) {}

    /** Takes and acknowledges what comes, page by page, until END or until so many have come. */
    private static List<Page> take(RawPeer stream, int most) throws IOException {
        List<Page> pages = new ArrayList<>();
        while (pages.size() < most) {
            Frame frame = stream.read();
            if (frame.is(FrameType.END)) {
                break;
            }
            for (long page = frame.firstPage(); page < frame.firstPage() + frame.count(); page++) {
                pages.add(new Page(frame.region(), page));
            }
            if (frame.is(FrameType.PAGES)) {
                stream.send(FrameType.ACK, frame.region(), frame.firstPage(), (int) frame.count());
            }
        }
        return pages;
    }

    private static void assertSilent(RawPeer stream) throws IOException {
        stream.socket().setSoTimeout(300);
        try {
            Frame frame = stream.read();
            throw new AssertionError("type " + frame.type() + ", page " + frame.firstPage());
        } catch (SocketTimeoutException e) {
            stream.socket().setSoTimeout(20_000);
        }
    }

    @Test
    void preferredPages_comeFirst_soonBeforeTheWorkingSet_alsoWhenSaidBeforeSTART() throws Exception {
        RawPeer stream = session(Feature.ALL).get(2);
        prefer(stream, 1, 1, 700, 3, 10, 2);
        prefer(stream, 0, 0, 2_000, 2);
        start(stream, 0);
        List<Page> pages = take(stream, Integer.MAX_VALUE);
        assertThat(pages.subList(0, 7))
                .containsExactly(
                        new Page(0, 2_000),
                        new Page(0, 2_001),
                        new Page(1, 700),
                        new Page(1, 701),
                        new Page(1, 702),
                        new Page(1, 10),
                        new Page(1, 11));
        assertThat(pages.get(7)).isEqualTo(new Page(0, 0));
        assertThat(pages).doesNotHaveDuplicates().hasSize(3_900);
    }

    @Test
    void onlyPreferred_meansNothingElse_untilTheNextSTART() throws Exception {
        RawPeer stream = session(Feature.ALL).get(2);
        start(stream, ONLY_PREFERRED);
        assertSilent(stream);
        prefer(stream, 0, 0, 100, 20);
        assertThat(take(stream, 20)).hasSize(20).startsWith(new Page(0, 100)).endsWith(new Page(0, 119));
        assertSilent(stream);
        start(stream, 0);
        assertThat(take(stream, Integer.MAX_VALUE))
                .startsWith(new Page(0, 0))
                .doesNotHaveDuplicates()
                .doesNotContain(new Page(0, 110))
                .hasSize(3_880);
    }

    @Test
    void bubblingStream_goesOnAroundTheLatestRequest() throws Exception {
        List<RawPeer> session = session(Feature.ALL);
        session.get(1).send(FrameType.REQUEST, 1, 600, 1, 1, new byte[0]);
        session.get(1).read();
        RawPeer stream = session.get(2);
        start(stream, FOLLOW_FAULTS);
        List<Page> pages = take(stream, Integer.MAX_VALUE);
        // Its block is pages 512 to 899, the region's last.
        assertThat(pages.get(0)).isEqualTo(new Page(1, 601));
        assertThat(pages.get(899 - 600)).isEqualTo(new Page(1, 512));
        assertThat(pages.get(899 - 512)).isEqualTo(new Page(0, 0));
        assertThat(pages).doesNotHaveDuplicates().hasSize(3_899);
    }

    @RepeatedTest(5)
    void whateverIsPreferredAndAskedFor_everyPageComesOnce() throws Exception {
        SplittableRandom random = Seeds.random("PreferencesAtSourceTest");
        List<RawPeer> session = session(Feature.ALL);
        RawPeer sync = session.get(1);
        RawPeer stream = session.get(2);
        boolean[][] came = {new boolean[3_000], new boolean[900]};
        int asked = 0;
        start(stream, random.nextInt(4) & FOLLOW_FAULTS);
        int left = 3_900;
        while (left > 0) {
            int region = random.nextInt(2);
            int page = random.nextInt(came[region].length - 64);
            if (random.nextInt(3) == 0 && !came[region][page]) {
                sync.send(FrameType.REQUEST, region, page, 1, 1, new byte[0]);
                sync.read();
                asked++;
            } else {
                prefer(stream, random.nextInt(2), region, page, 1 + random.nextInt(64));
            }
            for (Page taken : take(stream, Math.min(left, 40))) {
                assertThat(came[taken.region][(int) taken.page])
                        .as("twice: " + taken)
                        .isFalse();
                came[taken.region][(int) taken.page] = true;
                left--;
            }
            if (asked > 0 && left <= asked + 64) {
                break; // Pages that were asked for are not streamed, but for a race.
            }
        }
        assertThat(left).isLessThanOrEqualTo(asked + 64);
    }

    @Test
    void hostilePreferences_endTheirSession() throws Exception {
        long[][] runs = {{2, 0, 0, 1}, {0, 0, 0, 0}, {0, 0, 0, 4_097}, {0, 0, 2_999, 2}, {0, 0, -1, 1}, {1, 0, 900, 1}};
        for (long[] run : runs) {
            RawPeer stream = session(Feature.ALL).get(2);
            prefer(stream, 0, (int) run[0], run[2], run[3]);
            assertThat(error(stream)).contains("PREFER frame");
        }
        RawPeer none = session(Feature.ALL).get(2);
        none.send(FrameType.PREFER, 0, 0, 0, 0, new byte[0]);
        assertThat(error(none)).contains("PREFER frame of 0 runs");
        RawPeer lying = session(Feature.ALL).get(2);
        lying.send(FrameType.PREFER, 0, 0, 2, 0, body(0, 1));
        assertThat(error(lying)).contains("PREFER frame of 2 runs");
        RawPeer many = session(Feature.ALL).get(2);
        many.send(FrameType.PREFER, 0, 0, 4_097, 0, new byte[4_097 * 12]);
        assertThat(error(many)).contains("PREFER frame of 4097 runs");
        RawPeer strange = session(Feature.ALL).get(2);
        prefer(strange, 2, 0, 0, 1);
        assertThat(error(strange)).contains("PREFER frame with id 2");
        RawPeer flagged = session(Feature.ALL).get(2);
        start(flagged, 4);
        assertThat(error(flagged)).contains("START frame with flags 4");
        RawPeer again = session(Feature.ALL).get(2);
        start(again, ONLY_PREFERRED);
        start(again, ONLY_PREFERRED);
        assertThat(error(again)).contains("started already");
        RawPeer sync = session(Feature.ALL).get(1);
        prefer(sync, 0, 0, 0, 1);
        assertThat(error(sync)).contains("PREFER frame on a sync connection");
    }

    @Test
    void preferenceThatWasNotAgreedOn_isRefused_andFlagsMeanNothing() throws Exception {
        RawPeer stream = session(Feature.ALL & ~Feature.bits(Feature.PREFER)).get(2);
        start(stream, 77);
        assertThat(take(stream, Integer.MAX_VALUE)).hasSize(3_900);
        prefer(stream, 0, 0, 0, 1);
        assertThat(error(stream)).contains("PREFER frame, but it was not agreed on");
    }

    /** After 4096 runs of everything the source goes on as before. */
    @Test
    void preferencesOfWhatWasSent_costNothing() throws Exception {
        RawPeer stream = session(Feature.ALL).get(2);
        start(stream, ONLY_PREFERRED);
        long[] runs = new long[2 * 4_096];
        for (int i = 0; i < runs.length; i += 2) {
            runs[i + 1] = 3_000;
        }
        for (int i = 0; i < 100; i++) {
            prefer(stream, i % 2, 0, runs);
        }
        assertThat(take(stream, 3_000)).doesNotHaveDuplicates().hasSize(3_000);
        start(stream, 0);
        assertThat(take(stream, Integer.MAX_VALUE)).hasSize(900);
    }

    private static String error(RawPeer peer) throws IOException {
        Frame error = peer.awaitEnd();
        return error == null ? "closed without a word" : error.errorText();
    }
}
