package org.userload.migration;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.destination.DestinationConfig;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.support.Threads;
import org.userload.transport.Endpoint;

/** Memory beyond what an int of bytes can say: rounds, call-backs and dirty pages above 2 GiB. Nearly all of it is zero. */
@Timeout(120)
class LargeMigrationTest {
    private static final long PAGES = (5L << 29 >>> 12) + 3;
    private static final long[] WRITTEN = {0, (1L << 31) - 8, 1L << 31, (1L << 31) + (7 << 12), (PAGES << 12) - 8};

    /** Counts at a few places, far apart. */
    private static final class CountingFarApart implements Guest, AutoCloseable {
        private final GuestMemory memory;
        private volatile long count;
        private volatile boolean stop;
        private @Nullable Thread thread;

        CountingFarApart(GuestMemory memory) {
            this.memory = memory;
        }

        private void run() {
            while (!stop) {
                long next = count + 1;
                for (long address : WRITTEN) {
                    if (memory.getLong(address) != next - 1) {
                        throw new IllegalStateException("old content at " + address);
                    }
                    memory.putLong(address, next);
                }
                count = next;
            }
        }

        @Override
        public void pause() {
            Thread running = thread;
            if (running != null) {
                stop = true;
                try {
                    running.join();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
                thread = null;
            }
        }

        @Override
        public byte[] saveCpuState() {
            return ByteBuffer.allocate(8).putLong(count).array();
        }

        @Override
        public void restoreCpuState(byte[] state) {
            count = ByteBuffer.wrap(state).getLong();
        }

        @Override
        public void resume() {
            stop = false;
            Thread started = new Thread(this::run, "far-apart-guest");
            started.setDaemon(true);
            started.start();
            thread = started;
        }

        @Override
        public void close() {
            pause();
        }
    }

    @Test
    void pagesAbove2GiB_areSentAgain_calledBack_andPagedIn() throws Exception {
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(PAGES));
                CountingFarApart here = new CountingFarApart(memory)) {
            here.resume();
            try (MigrationSource source = MigrationSource.listen(
                            Endpoint.parse("127.0.0.1:0"),
                            here,
                            memory,
                            MigrationPlan.of(MigrationMode.HYBRID).withHybridRounds(2));
                    MigrationDestination destination = MigrationDestination.open(
                            DestinationConfig.from(source.endpoint()), CountingFarApart::new)) {
                source.migrate(Duration.ofSeconds(60));
                CountingFarApart there = (CountingFarApart)
                        destination.resumed().get(20, TimeUnit.SECONDS).guest();
                destination.completion().get(60, TimeUnit.SECONDS);
                long moved = here.count;
                Threads.await("it counts on", 20, () -> there.count > moved);
                there.pause();
                GuestMemory arrived = destination.destination().memory();
                for (long address : WRITTEN) {
                    assertThat(arrived.getLong(address)).isEqualTo(there.count);
                }
                assertThat(arrived.getLong((1L << 31) + 8)).isZero();
                assertThat(destination.destination().statistics().pagesInPlace())
                        .isEqualTo(PAGES);
            }
        }
    }
}
