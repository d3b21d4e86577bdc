package org.userload.memory;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.destination.Destination;
import org.userload.destination.DestinationConfig;
import org.userload.destination.DestinationStatistics;
import org.userload.destination.InterceptorChoice;
import org.userload.memory.RegionTable.Entry;
import org.userload.source.LivePageSource;
import org.userload.source.PageServer;
import org.userload.source.ServerListener;
import org.userload.transport.Endpoint;

/** A region of more than 2 GiB: beyond an int, beyond one buffer, and beyond each segment of the access layer. */
@Timeout(60)
class LargeRegionTest {
    private static final long BASE = 1L << 36;
    private static final long SIZE = (5L << 30) + 12288;
    private static final RegionTable TABLE = new RegionTable(PageSize.DEFAULT, List.of(new Entry(BASE, SIZE >>> 12)));

    /** Both ends, the segment borders, and the sign bit of an int. */
    private static final long[] OFFSETS = {
        0,
        4096,
        (1L << 30) - 4096,
        1L << 30,
        (2L << 30) - 4096,
        2L << 30,
        3L << 30,
        (4L << 30) - 4096,
        4L << 30,
        5L << 30,
        SIZE - 4096
    };

    /** Values cross their page's border into the next, where there is one. */
    private static final int INTO_NEXT = 4096 - 3;

    @Test
    void presentRegion_isReachedFromEndToEnd() {
        try (GuestMemory memory = GuestMemory.present(TABLE)) {
            fill(memory);
            check(memory);
            assertThat(memory.sizeBytes()).isEqualTo(SIZE);
            memory.fill(BASE + (2L << 30) - 5000, 10_000, (byte) 7);
            byte[] bytes = new byte[10_002];
            memory.get(BASE + (2L << 30) - 5001, bytes, 0, bytes.length);
            assertThat(bytes[1]).isEqualTo((byte) 7);
            assertThat(bytes[10_000]).isEqualTo((byte) 7);
            assertThat(bytes[10_001]).isNotEqualTo((byte) 7);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = InterceptorChoice.class,
            names = {"USERFAULTFD", "SOFTWARE"})
    void missingRegion_isServedFromEndToEnd(InterceptorChoice choice) throws Exception {
        try (GuestMemory origin = GuestMemory.present(TABLE)) {
            fill(origin);
            LivePageSource source = new LivePageSource(origin, "large guest");
            try (PageServer server = PageServer.serve(Endpoint.parse("127.0.0.1:0"), source, new ServerListener() {});
                    Destination destination = Destination.open(DestinationConfig.from(server.endpoint())
                            .withInterceptor(choice)
                            .withStreamAtOnce(false))) {
                check(destination.memory());
                assertThat(destination.statistics().pages().demand()).isBetween(10L, 40L);
                destination.startStream();
                DestinationStatistics statistics = destination.completion().get(50, TimeUnit.SECONDS);
                assertThat(statistics.pagesInPlace()).isEqualTo(SIZE >>> 12);
                check(destination.memory());
            }
        }
    }

    private static void fill(GuestMemory memory) {
        for (long offset : OFFSETS) {
            memory.putLong(BASE + offset + 8, ~offset);
            if (offset + 4096 < SIZE) {
                memory.putLong(BASE + offset + INTO_NEXT, offset + 1);
            }
        }
    }

    private static void check(GuestMemory memory) {
        for (long offset : OFFSETS) {
            assertThat(memory.getLong(BASE + offset + 8))
                    .as("offset 0x%x", offset)
                    .isEqualTo(~offset);
            if (offset + 4096 < SIZE) {
                assertThat(memory.getLong(BASE + offset + INTO_NEXT)).isEqualTo(offset + 1);
            }
        }
    }
}
