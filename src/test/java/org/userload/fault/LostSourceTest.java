package org.userload.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.channel.IoEventLoop;
import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.userload.linux.Mapping;
import org.userload.linux.PageTouch;
import org.userload.linux.UffdFeature;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageUnavailableException;
import org.userload.memory.RegionTable;
import org.userload.support.Threads;
import org.userload.transport.EventLoops;

/**
 * A lost source with and without UFFDIO_POISON (kernels before 6.6 have only PROT_NONE), with each kind of touch (kernels
 * before 5.14 have only process_vm_readv).
 */
@Timeout(60)
class LostSourceTest {
    private static final int PAGES = 64;

    private static UserfaultfdInterceptor open(boolean poison, boolean populate) {
        PageTouch touch = populate ? PageTouch.populate() : PageTouch.processRead();
        return poison
                ? UserfaultfdInterceptor.open(false, touch, UffdFeature.POISON)
                : UserfaultfdInterceptor.open(false, touch);
    }

    /** Tells when a fault has reached the loop. */
    private record Faults(CountDownLatch first) implements FaultListener {
        @Override
        public void pageFault(int region, long page) {
            first.countDown();
        }

        @Override
        public void faultsDelivered() {}

        @Override
        public void pagesRemoved(long neverReceived) {}
    }

    @ParameterizedTest
    @CsvSource({"true, true", "true, false", "false, true", "false, false"})
    void missingPages_areErrors_andPresentPagesStay(boolean poison, boolean populate) throws Exception {
        try (EventLoops loops = new EventLoops();
                Mapping content = Mapping.anonymous(PAGES << 12);
                UserfaultfdInterceptor interceptor = open(poison, populate);
                GuestMemory memory = GuestMemory.missing(RegionTable.single(PAGES), interceptor)) {
            IoEventLoop loop = loops.start("userload-test-faults");
            CountDownLatch faulted = new CountDownLatch(1);
            interceptor.start(memory, loop, new Faults(faulted));
            content.buffer(0, PAGES << 12).putLong(8, 77);
            assertThat(interceptor.install(memory.region(0), 0, 10, content.address()))
                    .isEqualTo(10);
            FutureTask<Long> waiter = Threads.start(() -> memory.getLong(20L << 12));
            assertThat(faulted.await(10, TimeUnit.SECONDS)).isTrue();

            interceptor.fail(new IOException("the source is lost"));

            assertThat(Threads.failure(waiter, 10))
                    .isInstanceOf(PageUnavailableException.class)
                    .hasMessageContainingAll("page 20", "the source is lost");
            assertThat(interceptor.install(memory.region(0), 10, 10, content.address()))
                    .as("nothing is installed any more")
                    .isZero();
            assertThat(Long.reverseBytes(memory.getLong(8))).isEqualTo(77);
            for (long page = 10; page < PAGES; page++) {
                long address = page << 12;
                assertThatThrownBy(() -> memory.getLong(address)).isInstanceOf(PageUnavailableException.class);
                assertThatThrownBy(() -> memory.putByte(address, (byte) 1))
                        .isInstanceOf(PageUnavailableException.class);
            }
            memory.putLong(16, 5);
            assertThat(memory.getLong(16)).isEqualTo(5);
            loops.close();
        }
    }

    /** Whoever loses the source while another loop installs: a received page must never become untouchable. */
    @ParameterizedTest
    @CsvSource({"true, true", "true, false", "false, true", "false, false"})
    void loss_besideAnInstall_leavesEveryReceivedPageUsable(boolean poison, boolean populate) throws Exception {
        for (int round = 0; round < 40; round++) {
            try (EventLoops loops = new EventLoops();
                    Mapping content = Mapping.anonymous(PAGES << 12);
                    UserfaultfdInterceptor interceptor = open(poison, populate);
                    GuestMemory memory = GuestMemory.missing(RegionTable.single(PAGES), interceptor)) {
                IoEventLoop loop = loops.start("userload-test-faults");
                CountDownLatch faulted = new CountDownLatch(1);
                interceptor.start(memory, loop, new Faults(faulted));
                FutureTask<Long> waiter = Threads.start(() -> memory.getLong(30L << 12));
                assertThat(faulted.await(10, TimeUnit.SECONDS)).isTrue();
                FutureTask<Integer> install =
                        Threads.start(() -> interceptor.install(memory.region(0), 0, PAGES, content.address()));
                interceptor.fail(new IOException("the source is lost"));
                Threads.join(install, 10);
                for (long page = 0; page < PAGES; page++) {
                    if (memory.region(0).received().get(page)) {
                        assertThat(memory.getLong(page << 12)).isZero();
                    }
                }
                try {
                    assertThat(waiter.get(10, TimeUnit.SECONDS)).isZero();
                } catch (java.util.concurrent.ExecutionException e) {
                    assertThat(e.getCause()).isInstanceOf(PageUnavailableException.class);
                }
                loops.close();
            }
        }
    }
}
