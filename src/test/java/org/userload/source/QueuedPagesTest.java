package org.userload.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.EOFException;
import java.io.IOException;
import java.net.SocketException;
import java.nio.ByteOrder;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.protocol.FrameType;
import org.userload.protocol.Role;
import org.userload.protocol.SessionId;
import org.userload.support.FakeSource;
import org.userload.support.RawPeer;
import org.userload.support.RawPeer.Frame;
import org.userload.transport.Endpoint;

/** Pages are sent from where they are: what waits for a socket must not be lost with the memory. */
@Timeout(60)
@SuppressWarnings("try") // closes in the middle on purpose
class QueuedPagesTest {
    private static final int PAGES = 16 << 10;

    /** So often is looked whether anything is still written, 10 ms apart, before the socket counts as full. */
    private static final int LOOKS = 30;

    @Test
    void memoryClosed_whilePagesWaitForTheSocket_theyArriveAsTheyWere() throws Exception {
        CompletableFuture<SourceSession> attached = new CompletableFuture<>();
        ServerListener listener = new ServerListener() {
            @Override
            public void attached(SourceSession session) {
                attached.complete(session);
            }
        };
        GuestMemory memory = GuestMemory.present(RegionTable.single(PAGES));
        for (long page = 0; page < PAGES; page++) {
            for (int word = 0; word < 512; word += 64) {
                memory.putLong((page << 12) + word * 8L, FakeSource.wordAt((page << 12) + word * 8L));
            }
        }
        try (memory;
                PageServer server =
                        PageServer.serve(Endpoint.parse("127.0.0.1:0"), new LivePageSource(memory, "guest"), listener);
                RawPeer control = RawPeer.greet(server.endpoint(), Role.CONTROL, SessionId.NONE)) {
            SessionId id = control.read().hello().session();
            try (RawPeer sync = RawPeer.greet(server.endpoint(), Role.SYNC, id);
                    RawPeer stream = RawPeer.greet(server.endpoint(), Role.STREAM, id)) {
                sync.read();
                stream.read();
                SourceSession session = attached.get(10, TimeUnit.SECONDS);
                stream.send(FrameType.START, 0, 0, PAGES);
                long sent = fillTheSocket(session, stream);
                assertThat(sent).as("pages written").isLessThan(PAGES);

                memory.close();

                assertThat(readPages(stream)).isEqualTo(sent);
            }
        }
        assertThat(memory.region(0).pin(0, 1)).as("bytes of closed memory").isNull();
    }

    /** Acknowledges what was never read, until nothing more is written: then some of it waits within the process. */
    private static long fillTheSocket(SourceSession session, RawPeer stream) throws Exception {
        long acknowledged = 0;
        for (int looks = 0; looks < LOOKS; looks++) {
            long sent = session.streamPages();
            if (sent > acknowledged) {
                stream.send(FrameType.ACK, 0, acknowledged, (int) (sent - acknowledged));
                acknowledged = sent;
                looks = 0;
            }
            Thread.sleep(10);
        }
        return acknowledged;
    }

    /** Reads to the end and looks at every page; gives how many. */
    private static long readPages(RawPeer stream) throws IOException {
        long pages = 0;
        try {
            while (true) {
                Frame frame = stream.read();
                if (!frame.is(FrameType.PAGES)) {
                    continue;
                }
                for (int i = 0; i < frame.count(); i++) {
                    long address = (frame.firstPage() + i) << 12;
                    for (int word = 0; word < 512; word += 64) {
                        assertThat(frame.body().order(ByteOrder.LITTLE_ENDIAN).getLong((i << 12) + word * 8))
                                .as("word at 0x%x", address + word * 8L)
                                .isEqualTo(FakeSource.wordAt(address + word * 8L));
                    }
                }
                pages += frame.count();
            }
        } catch (EOFException | SocketException e) {
            return pages;
        }
    }
}
