package org.userload.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.support.FakeSource;
import org.userload.support.Threads;

@Timeout(60)
@SuppressWarnings("try") // closes in the middle on purpose
class LivePageSourceTest {
    @Test
    void memoryClosedUnderARead_isAnError_andNeverZeros() throws Exception {
        RegionTable table = RegionTable.single(256);
        for (int round = 0; round < 150; round++) {
            try (GuestMemory memory = GuestMemory.present(table)) {
                for (long page = 0; page < 256; page++) {
                    memory.fill(page << 12, 4096, (byte) 1);
                    memory.putLong(page << 12, FakeSource.wordAt(page << 12));
                }
                LivePageSource source = new LivePageSource(memory, "guest");
                AtomicLong reads = new AtomicLong();
                FutureTask<String> reader = Threads.start(() -> {
                    ByteBuffer bytes = ByteBuffer.allocateDirect(64 << 12).order(ByteOrder.LITTLE_ENDIAN);
                    for (int i = 0; ; i++) {
                        int first = i % 4 * 64;
                        assertThat(source.describe(0, first, 64).isZero()).isFalse();
                        source.read(0, first, 64, bytes.clear());
                        for (int page = 0; page < 64; page++) {
                            assertThat(bytes.getLong(page << 12))
                                    .isEqualTo(FakeSource.wordAt((long) (first + page) << 12));
                        }
                        reads.incrementAndGet();
                    }
                });
                Threads.await("reads", 10, () -> reads.get() > 3);
                memory.close();
                assertThat(Threads.failure(reader, 10))
                        .isInstanceOf(PageSourceException.class)
                        .hasMessageContaining("the memory is closed");
            }
        }
    }
}
