package org.userload.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.linux.NativeException.NativeGoneException;
import org.userload.support.NativeTouch;
import org.userload.support.Threads;

/** Every outcome of the install calls and every event, from the running kernel. */
@Timeout(30)
class UserfaultfdTest {
    private static final int PAGE = Mapping.hostPageSize();
    private static final int PAGES = 8;

    private final Userfaultfd uffd = Userfaultfd.builder()
            .require(UffdFeature.EVENT_REMOVE)
            .want(UffdFeature.THREAD_ID)
            .want(UffdFeature.POISON)
            .open();
    private final Mapping mapping = Mapping.anonymous((long) PAGES * PAGE);
    private final Mapping source = Mapping.anonymous((long) PAGES * PAGE);
    private final UffdEventBatch batch = new UffdEventBatch();

    @BeforeEach
    void registerAndFillSource() {
        uffd.register(mapping.address(), mapping.length());
        for (int page = 0; page < PAGES; page++) {
            source.buffer((long) page * PAGE, 8).put(0, (byte) (page + 1));
        }
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

    private long from(int page) {
        return source.address() + (long) page * PAGE;
    }

    private byte firstByte(int page) {
        return mapping.buffer((long) page * PAGE, 1).get(0);
    }

    @Test
    void copy_installsTheWholeRange() {
        assertThat(uffd.copy(at(0), from(0), 3L * PAGE)).isEqualTo(3L * PAGE);
        assertThat(firstByte(0)).isEqualTo((byte) 1);
        assertThat(firstByte(2)).isEqualTo((byte) 3);
    }

    @Test
    void copy_stopsAtAPresentPage_andSaysHowFarItCame() {
        uffd.copy(at(2), from(7), PAGE);
        assertThat(uffd.copy(at(0), from(0), 4L * PAGE)).isEqualTo(2L * PAGE);
        assertThat(uffd.copy(at(2), from(2), 2L * PAGE)).isEqualTo(InstallOutcome.NEXT_IS_PRESENT);
        assertThat(firstByte(2)).as("what was there first").isEqualTo((byte) 8);
        assertThat(uffd.copy(at(3), from(3), PAGE)).isEqualTo(PAGE);
    }

    @Test
    void zeroPage_stopsAtAPresentPage() {
        uffd.copy(at(1), from(1), PAGE);
        assertThat(uffd.zeroPage(at(0), 3L * PAGE)).isEqualTo(PAGE);
        assertThat(uffd.zeroPage(at(1), 2L * PAGE)).isEqualTo(InstallOutcome.NEXT_IS_PRESENT);
        assertThat(uffd.zeroPage(at(2), PAGE)).isEqualTo(PAGE);
        assertThat(firstByte(0)).isZero();
        assertThat(firstByte(1)).isEqualTo((byte) 2);
        assertThat(firstByte(2)).isZero();
    }

    @Test
    void zeroedPage_isPresentForEveryInstall() {
        uffd.zeroPage(at(0), PAGE);
        assertThat(uffd.zeroPage(at(0), PAGE)).isEqualTo(InstallOutcome.NEXT_IS_PRESENT);
        assertThat(uffd.copy(at(0), from(0), PAGE)).isEqualTo(InstallOutcome.NEXT_IS_PRESENT);
        assertThat(uffd.poison(at(0), PAGE)).isEqualTo(InstallOutcome.NEXT_IS_PRESENT);
    }

    @Test
    void move_takesThePageFromItsSource_andStopsAtAPresentPage() {
        uffd.copy(at(1), from(7), PAGE);
        assertThat(uffd.move(at(0), from(0), 2L * PAGE)).isEqualTo(PAGE);
        assertThat(firstByte(0)).isEqualTo((byte) 1);
        assertThat(source.buffer(0, 1).get(0)).as("the source's page is gone").isZero();
        assertThat(uffd.move(at(1), from(1), PAGE)).isEqualTo(InstallOutcome.NEXT_IS_PRESENT);
        assertThat(firstByte(1)).isEqualTo((byte) 8);
    }

    @Test
    void poison_isAnErrnoForWhoeverTouches_andStopsAtAPresentPage() {
        uffd.copy(at(1), from(1), PAGE);
        assertThat(uffd.poison(at(0), 2L * PAGE)).isEqualTo(PAGE);
        assertThat(uffd.poison(at(1), PAGE)).isEqualTo(InstallOutcome.NEXT_IS_PRESENT);
        assertThat(PageTouch.populate().touch(at(0), PAGE)).isEqualTo(Errno.EHWPOISON);
        assertThat(NativeTouch.readBytes(at(0), 8)).isEqualTo(-Errno.EFAULT);
        assertThat(NativeTouch.readBytes(at(1), 8)).isEqualTo(8);
    }

    @Test
    void installAfterUnregister_isGone_withCallErrnoAddressAndLength() {
        uffd.unregister(mapping.address(), mapping.length());
        NativeGoneException exception =
                catchThrowableOfType(NativeGoneException.class, () -> uffd.copy(at(2), from(2), 2L * PAGE));
        assertThat(exception.call()).isEqualTo("UFFDIO_COPY");
        assertThat(exception.errno()).isEqualTo(Errno.ENOENT);
        assertThat(exception.address()).isEqualTo(at(2));
        assertThat(exception.length()).isEqualTo(2L * PAGE);
        assertThatThrownBy(() -> uffd.zeroPage(at(0), PAGE)).isInstanceOf(NativeGoneException.class);
        assertThatThrownBy(() -> uffd.move(at(0), from(0), PAGE)).hasMessageContaining("EINVAL");
        assertThatThrownBy(() -> uffd.poison(at(0), PAGE)).isInstanceOf(NativeGoneException.class);
    }

    @Test
    void misalignedCalls_areErrorsThatCarryTheRange() {
        List<NativeException> exceptions = new ArrayList<>();
        exceptions.add(catchThrowableOfType(NativeException.class, () -> uffd.copy(at(0) + 1, from(0), PAGE)));
        exceptions.add(catchThrowableOfType(NativeException.class, () -> uffd.zeroPage(at(0) + 1, PAGE)));
        exceptions.add(catchThrowableOfType(NativeException.class, () -> uffd.move(at(0) + 1, from(0), PAGE)));
        exceptions.add(catchThrowableOfType(NativeException.class, () -> uffd.poison(at(0) + 1, PAGE)));
        exceptions.add(catchThrowableOfType(NativeException.class, () -> uffd.wake(at(0) + 1, PAGE)));
        exceptions.add(catchThrowableOfType(NativeException.class, () -> uffd.register(at(0) + 1, PAGE)));
        exceptions.add(catchThrowableOfType(NativeException.class, () -> uffd.unregister(at(0) + 1, PAGE)));
        assertThat(exceptions)
                .extracting(NativeException::call)
                .containsExactly(
                        "UFFDIO_COPY",
                        "UFFDIO_ZEROPAGE",
                        "UFFDIO_MOVE",
                        "UFFDIO_POISON",
                        "UFFDIO_WAKE",
                        "UFFDIO_REGISTER",
                        "UFFDIO_UNREGISTER");
        assertThat(exceptions).allSatisfy(exception -> {
            assertThat(exception).isExactlyInstanceOf(NativeException.class);
            assertThat(exception.errno()).isEqualTo(Errno.EINVAL);
            assertThat(exception.address()).isEqualTo(at(0) + 1);
            assertThat(exception.length()).isEqualTo(PAGE);
        });
    }

    @Test
    void noEvents_readsNone() {
        assertThat(uffd.read(batch)).isZero();
        assertThat(batch.size()).isZero();
    }

    @Test
    void pageFault_namesPageKindAndThread_andInstallWakesIt() throws Exception {
        FutureTask<Integer> reader = Threads.start(() -> PageTouch.populate().touch(at(3), PAGE));
        UffdEvent.PageFault fault = awaitEvent(UffdEvent.PageFault.class);
        assertThat(fault.address()).isEqualTo(at(3));
        assertThat(fault.write()).isFalse();
        assertThat(fault.threadId()).isPositive();
        uffd.copy(at(3), from(3), PAGE);
        assertThat(Threads.join(reader, 10)).isZero();

        FutureTask<Object> writer = Threads.start(() -> {
            NativeMemory.zero(at(4), 8);
            return "written";
        });
        fault = awaitEvent(UffdEvent.PageFault.class);
        assertThat(fault.address()).isEqualTo(at(4));
        assertThat(fault.write()).isTrue();
        uffd.zeroPage(at(4), PAGE);
        assertThat(Threads.join(writer, 10)).isEqualTo("written");
    }

    @Test
    void wokenThread_faultsAgainWhileItsPageIsMissing() throws Exception {
        FutureTask<Integer> reader = Threads.start(() -> PageTouch.populate().touch(at(0), PAGE));
        awaitEvent(UffdEvent.PageFault.class);
        uffd.wake(at(0), PAGE);
        awaitEvent(UffdEvent.PageFault.class);
        assertThat(reader.isDone()).isFalse();
        uffd.copy(at(0), from(0), PAGE);
        assertThat(Threads.join(reader, 10)).isZero();
    }

    @Test
    void unregister_wakesWhoWaits() throws Exception {
        FutureTask<Integer> reader = Threads.start(() -> PageTouch.populate().touch(at(0), PAGE));
        awaitEvent(UffdEvent.PageFault.class);
        uffd.unregister(mapping.address(), mapping.length());
        assertThat(Threads.join(reader, 10)).isZero();
    }

    @Test
    void removal_isAnEvent_andUntilItIsReadInstallsSayThatTheMappingIsChanging() throws Exception {
        uffd.copy(at(2), from(2), 2L * PAGE);
        FutureTask<Object> dropper = Threads.start(() -> {
            Mapping.discard(at(2), 2L * PAGE);
            return "dropped";
        });
        Threads.await("installs are refused", 10, () -> {
            // A page that is there already does not keep the kernel from saying so.
            return uffd.zeroPage(at(7), PAGE) == InstallOutcome.MAPPING_IS_CHANGING;
        });
        assertThat(uffd.copy(at(0), from(0), PAGE)).isEqualTo(InstallOutcome.MAPPING_IS_CHANGING);
        assertThat(uffd.poison(at(0), PAGE)).isEqualTo(InstallOutcome.MAPPING_IS_CHANGING);
        assertThat(uffd.move(at(0), from(0), PAGE)).isEqualTo(InstallOutcome.MAPPING_IS_CHANGING);
        UffdEvent.Remove remove = awaitEvent(UffdEvent.Remove.class);
        assertThat(remove).isEqualTo(new UffdEvent.Remove(at(2), at(4)));
        assertThat(Threads.join(dropper, 10)).isEqualTo("dropped");
        assertThat(uffd.copy(at(0), from(0), PAGE)).isEqualTo(PAGE);
        assertThat(uffd.zeroPage(at(2), PAGE)).as("the dropped page is missing").isEqualTo(PAGE);
    }

    @Test
    void manyFaults_areReadInBatches() throws Exception {
        int threads = UffdEventBatch.CAPACITY + 10;
        List<FutureTask<Integer>> readers =
                Threads.start(threads, () -> PageTouch.populate().touch(at(0), PAGE));
        List<Integer> sizes = new ArrayList<>();
        int[] seen = new int[1];
        Threads.await("all touch", 10, () -> Threads.inside(UserfaultfdTest.class, "touch") == threads);
        Threads.await("all faults", 10, () -> {
            int size = uffd.read(batch);
            if (size > 0) {
                sizes.add(size);
            }
            for (int i = 0; i < size; i++) {
                assertThat(batch.isPageFault(i)).isTrue();
                assertThat(batch.address(i)).isEqualTo(at(0));
            }
            seen[0] += size;
            return seen[0] == threads;
        });
        assertThat(sizes).allMatch(size -> size <= UffdEventBatch.CAPACITY);
        uffd.copy(at(0), from(0), PAGE);
        for (FutureTask<Integer> reader : readers) {
            assertThat(Threads.join(reader, 10)).isZero();
        }
    }

    @Test
    void useAfterClose_isRefused_andClosingAgainDoesNothing() {
        uffd.close();
        uffd.close();
        assertThatThrownBy(() -> uffd.copy(at(0), from(0), PAGE)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> uffd.zeroPage(at(0), PAGE)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> uffd.wake(at(0), PAGE)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> uffd.register(at(0), PAGE)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> uffd.read(batch)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void features_areWhatWasAskedForAndOffered() {
        assertThat(uffd.features()).contains(UffdFeature.EVENT_REMOVE).doesNotContain(UffdFeature.SIGBUS);
        assertThat(UffdFeature.ofMask(UffdFeature.mask(uffd.features()))).isEqualTo(uffd.features());
        assertThat(UffdFeature.ofMask(0)).isEmpty();
    }

    private <T extends UffdEvent> T awaitEvent(Class<T> kind) throws InterruptedException {
        List<T> found = new ArrayList<>();
        Threads.await("an event " + kind.getSimpleName(), 10, () -> {
            int size = uffd.read(batch);
            for (int i = 0; i < size; i++) {
                found.add(kind.cast(batch.event(i)));
            }
            return !found.isEmpty();
        });
        assertThat(found).hasSize(1);
        return found.get(0);
    }
}
