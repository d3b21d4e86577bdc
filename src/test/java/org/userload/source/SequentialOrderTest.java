package org.userload.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Phaser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.pack.Compression;
import org.userload.protocol.SessionId;

@Timeout(60)
class SequentialOrderTest {
    private static final int PAGES = 2000;
    private static final int WALKS = 3000;

    /** The request loop may mark the very page that the stream has just found; then the run starts behind it. */
    @Test
    void pagesThatAreAskedForMeanwhile_areLeftOut_andNoRunIsEmpty() throws Exception {
        ExecutorService requests = Executors.newSingleThreadExecutor();
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(PAGES))) {
            LivePageSource source = new LivePageSource(memory, "a guest");
            Phaser begin = new Phaser(2);
            for (int walk = 0; walk < WALKS; walk++) {
                SourceSession session = new SourceSession(
                        SessionId.random(),
                        source,
                        true,
                        false,
                        new PageEncoding(Compression.NONE, 0),
                        UnreadPages.NONE,
                        false);
                Future<?> asked = requests.submit(() -> {
                    begin.arriveAndAwaitAdvance();
                    for (int page = 0; page < PAGES; page++) {
                        session.sent(0).set(page);
                    }
                });
                SequentialOrder order = new SequentialOrder(session);
                begin.arriveAndAwaitAdvance();
                StreamOrder.Run run = order.next(16);
                while (run != null) {
                    assertThat(run.pages().count()).isBetween(1L, 16L);
                    session.sent(0).set(run.pages().first(), run.pages().count());
                    run = order.next(16);
                }
                asked.get();
                assertThat(session.unsentPages()).isZero();
            }
        } finally {
            requests.shutdownNow();
        }
    }
}
