package org.userload.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAccumulator;
import org.junit.jupiter.api.Test;

class BlockCacheTest {
    private static final int BLOCK = UliFormat.BLOCK_BYTES;
    private static final int ENTRY = BLOCK + BlockCache.ENTRY_OVERHEAD_BYTES;

    @Test
    void slowLoadAskedForByManyThreads_happensOnce() throws Exception {
        AtomicInteger loads = new AtomicInteger();
        BlockCache cache = new BlockCache(1 << 20, block -> {
            loads.incrementAndGet();
            try {
                Thread.sleep(50);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return new byte[BLOCK];
        });
        Concurrently.run(8, (thread, random) -> cache.get(7));
        assertThat(loads).hasValue(1);
        assertThat(cache.statistics().hits()).isEqualTo(7);
        assertThat(cache.statistics().misses()).isEqualTo(1);
    }

    @Test
    void moreLoadingThreadsThanProcessors_exceedTheCapacityBySlackAndOneBlockEach() throws Exception {
        int threads = 4 * Runtime.getRuntime().availableProcessors();
        BlockCache cache = new BlockCache(3 * ENTRY, block -> new byte[BLOCK]);
        LongAccumulator most = new LongAccumulator(Math::max, 0);
        Concurrently.run(threads, (thread, random) -> {
            for (int i = 0; i < 20_000; i++) {
                cache.get(random.nextInt(1024));
                most.accumulate(cache.liveBlocks());
            }
        });
        assertThat(most.get()).isLessThanOrEqualTo(3 + BlockCache.SLACK_BLOCKS + threads);
        assertThat(cache.statistics().weightBytes()).isLessThanOrEqualTo(3 * ENTRY);
        assertThat(cache.liveBlocks()).isLessThanOrEqualTo(3);
    }

    @Test
    void capacityOfZero_keepsNothingAndStillGives() {
        BlockCache cache = new BlockCache(0, block -> new byte[] {(byte) block});
        assertThat(cache.get(5)).containsExactly(5);
        assertThat(cache.get(5)).containsExactly(5);
        assertThat(cache.statistics().loads()).isEqualTo(2);
        assertThat(cache.statistics().weightBytes()).isZero();
    }

    @Test
    void failedLoad_isNotRemembered() {
        AtomicInteger attempts = new AtomicInteger();
        BlockCache cache = new BlockCache(1 << 20, block -> {
            if (attempts.getAndIncrement() == 0) {
                throw new PageSourceException("disk away");
            }
            return new byte[1];
        });
        assertThatThrownBy(() -> cache.get(1)).isInstanceOf(PageSourceException.class);
        assertThat(cache.get(1)).hasSize(1);
        assertThat(cache.statistics().failedLoads()).isEqualTo(1);
    }
}
