package org.userload.fault;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.IoEventLoop;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.userload.linux.Mapping;
import org.userload.linux.PageTouch;
import org.userload.linux.UffdFeature;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.support.TestJvm;
import org.userload.transport.EventLoops;

/**
 * Each kind of touch leaves the JVM able to reach a safepoint while its thread waits for a page. The fault is served only
 * after a collection that began while the thread was waiting, so a touch that held it up would hang for good; hence a JVM
 * of its own.
 */
@Timeout(120)
class TouchSafepointTest {
    private static final int HANG_SECONDS = 60;
    private static final int PAGES = 200;

    @ParameterizedTest
    @ValueSource(strings = {"populate", "processRead"})
    void collection_goesAhead_whileAThreadWaitsForAPage(String touch) throws Exception {
        TestJvm.Result result = TestJvm.run(HANG_SECONDS, Waiting.class, touch);
        assertThat(result.ended()).as("it hangs; output: " + result.output()).isTrue();
        assertThat(result.output()).contains("every page came after a collection");
        assertThat(result.exitCode()).isZero();
    }

    /** The other JVM. */
    static final class Waiting {
        private Waiting() {}

        /** Serves each fault after a collection, on the fault loop. */
        private record AfterCollection(GuestMemory memory, UserfaultfdInterceptor interceptor, Mapping content)
                implements FaultListener {
            @Override
            public void pageFault(int region, long page) {
                System.gc();
                interceptor.install(memory.region(region), page, 1, content.address());
            }

            @Override
            public void faultsDelivered() {}

            @Override
            public void pagesRemoved(long neverReceived) {}
        }

        public static void main(String[] arguments) throws Exception {
            PageTouch touch = arguments[0].equals("populate") ? PageTouch.populate() : PageTouch.processRead();
            try (EventLoops loops = new EventLoops();
                    Mapping content = Mapping.anonymous(4096);
                    UserfaultfdInterceptor interceptor = UserfaultfdInterceptor.open(false, touch, UffdFeature.POISON);
                    GuestMemory memory = GuestMemory.missing(RegionTable.single(PAGES), interceptor)) {
                content.buffer(0, 8).put(0, (byte) 7);
                IoEventLoop loop = loops.start("userload-test-faults");
                interceptor.start(memory, loop, new AfterCollection(memory, interceptor, content));
                AtomicBoolean wrong = new AtomicBoolean();
                Thread reader = new Thread(() -> {
                    for (long page = 0; page < PAGES; page++) {
                        if (memory.getByte(page << 12) != 7) {
                            wrong.set(true);
                        }
                    }
                });
                reader.start();
                reader.join(TimeUnit.SECONDS.toMillis(HANG_SECONDS));
                System.out.println(
                        wrong.get() || reader.isAlive() ? "it went wrong" : "every page came after a collection");
                loops.close();
            }
        }
    }
}
