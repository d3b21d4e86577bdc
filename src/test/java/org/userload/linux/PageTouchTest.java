package org.userload.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.userload.linux.NativeException.NotSupportedException;
import org.userload.support.Threads;

/** Both kinds of touch on real memory: present, missing, poisoned, forbidden, not there. */
@Timeout(30)
class PageTouchTest {
    private static final int PAGE = Mapping.hostPageSize();
    private static final int PAGES = 64;

    /** An advice that no kernel knows. */
    private static final PageTouch UNKNOWN = new PageTouch.Populate(9_999);

    private final Userfaultfd uffd =
            Userfaultfd.builder().want(UffdFeature.POISON).open();
    private final Mapping mapping = Mapping.anonymous((long) PAGES * PAGE);
    private final Mapping source = Mapping.anonymous((long) PAGES * PAGE);
    private final UffdEventBatch batch = new UffdEventBatch();

    static Stream<PageTouch> touches() {
        return Stream.of(PageTouch.populate(), PageTouch.processRead());
    }

    @AfterEach
    void close() {
        uffd.close();
        mapping.close();
        source.close();
    }

    private long at(int page) {
        return mapping.address() + (long) page * PAGE;
    }

    private List<Long> awaitFaults(int count) throws InterruptedException {
        List<Long> addresses = new ArrayList<>();
        Threads.await(count + " faults", 10, () -> {
            int size = uffd.read(batch);
            for (int i = 0; i < size; i++) {
                addresses.add(batch.address(i));
            }
            return addresses.size() >= count;
        });
        return addresses;
    }

    @ParameterizedTest
    @MethodSource("touches")
    void presentPage_isTouchedAtOnce_andKeepsItsBytes(PageTouch touch) {
        mapping.buffer(0, 8).putLong(0, 42);
        assertThat(touch.touch(at(0), 2L * PAGE)).isZero();
        assertThat(mapping.buffer(0, 8).getLong(0)).isEqualTo(42);
    }

    @ParameterizedTest
    @MethodSource("touches")
    void missingPage_isAReadFault_andTheTouchWaitsForIt(PageTouch touch) throws Exception {
        uffd.register(mapping.address(), mapping.length());
        FutureTask<Integer> toucher = Threads.start(() -> touch.touch(at(3), PAGE));
        assertThat(awaitFaults(1)).containsExactly(at(3));
        assertThat(batch.event(0))
                .isInstanceOfSatisfying(
                        UffdEvent.PageFault.class,
                        fault -> assertThat(fault.write()).isFalse());
        assertThat(toucher.isDone()).isFalse();
        uffd.copy(at(3), source.address(), PAGE);
        assertThat(Threads.join(toucher, 10)).isZero();
    }

    @ParameterizedTest
    @MethodSource("touches")
    void everyPageOfARange_isTouched(PageTouch touch) throws Exception {
        uffd.register(mapping.address(), mapping.length());
        FutureTask<Integer> toucher = Threads.start(() -> touch.touch(at(5), 3L * PAGE));
        for (int page = 5; page < 8; page++) {
            assertThat(awaitFaults(1)).containsExactly(at(page));
            uffd.zeroPage(at(page), PAGE);
        }
        assertThat(Threads.join(toucher, 10)).isZero();
    }

    @ParameterizedTest
    @MethodSource("touches")
    void threadsDoNotDisturbEachOther(PageTouch touch) throws Exception {
        uffd.register(mapping.address(), mapping.length());
        AtomicInteger next = new AtomicInteger();
        List<FutureTask<Integer>> touchers = Threads.start(PAGES, () -> touch.touch(at(next.getAndIncrement()), PAGE));
        assertThat(awaitFaults(PAGES)).doesNotHaveDuplicates().hasSize(PAGES);
        uffd.copy(at(0), source.address(), (long) PAGES * PAGE);
        for (FutureTask<Integer> toucher : touchers) {
            assertThat(Threads.join(toucher, 10)).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("touches")
    void poisonedPage_isAnErrno_andNeverASignal(PageTouch touch) throws Exception {
        uffd.register(mapping.address(), mapping.length());
        FutureTask<Integer> waiter = Threads.start(() -> touch.touch(at(1), PAGE));
        awaitFaults(1);
        uffd.poison(at(1), PAGE);
        assertThat(Threads.join(waiter, 10)).isIn(Errno.EFAULT, Errno.EHWPOISON);
        assertThat(touch.touch(at(1), PAGE)).isIn(Errno.EFAULT, Errno.EHWPOISON);
        uffd.zeroPage(at(0), PAGE);
        assertThat(touch.touch(at(0), 2L * PAGE))
                .as("the second page of a range")
                .isIn(Errno.EFAULT, Errno.EHWPOISON);
    }

    @ParameterizedTest
    @MethodSource("touches")
    void forbiddenPage_isAnErrno(PageTouch touch) {
        Mapping.forbid(at(1), PAGE);
        assertThat(touch.touch(at(0), PAGE)).isZero();
        assertThat(touch.touch(at(1), PAGE)).isIn(Errno.EFAULT, Errno.EINVAL);
    }

    @ParameterizedTest
    @MethodSource("touches")
    void unmappedMemory_isAnErrno(PageTouch touch) {
        assertThat(touch.touch(0, PAGE)).isIn(Errno.ENOMEM, Errno.EFAULT);
    }

    @Test
    void kernelWithoutPopulate_isTouchedByProcessRead() {
        assertThat(UNKNOWN.touch(at(0), PAGE)).isEqualTo(Errno.EINVAL);
        PageTouch chosen = PageTouch.firstThatWorks(UNKNOWN, PageTouch.processRead());
        assertThat(chosen).isInstanceOf(PageTouch.ProcessRead.class);
        assertThat(chosen.touch(at(0), PAGE)).isZero();
    }

    @Test
    void kernelWithPopulate_isTouchedByIt() {
        assertThat(PageTouch.choose()).isEqualTo(PageTouch.populate());
    }

    @Test
    void kernelWithNeither_isNotSupported_andEveryTryIsNamed() {
        assertThatThrownBy(() -> PageTouch.firstThatWorks(UNKNOWN, new PageTouch.ProcessRead(Integer.MAX_VALUE)))
                .isInstanceOf(NotSupportedException.class)
                .hasMessageContainingAll("MADV_POPULATE_READ", "EINVAL", "process_vm_readv", "ESRCH");
    }
}
