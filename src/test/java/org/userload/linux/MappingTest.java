package org.userload.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.userload.linux.NativeException.NativeResourceException;
import org.userload.support.Leaks;
import org.userload.support.NativeTouch;

@Timeout(30)
class MappingTest {
    private static final int PAGE = Mapping.hostPageSize();

    @Test
    void newMapping_isZeroAndPageAligned() {
        try (Mapping mapping = Mapping.anonymous(3L * PAGE)) {
            assertThat(mapping.address() % PAGE).isZero();
            assertThat(mapping.length()).isEqualTo(3L * PAGE);
            ByteBuffer bytes = mapping.buffer(0, 3 * PAGE);
            while (bytes.hasRemaining()) {
                assertThat(bytes.get()).isZero();
            }
        }
    }

    @Test
    void closedMapping_keepsItsBytes_untilTheLastPinIsUndone() {
        try (Mapping mapping = Mapping.anonymous(2L * PAGE)) {
            ByteBuffer bytes = mapping.buffer(0, PAGE);
            bytes.putLong(0, 42);
            assertThat(mapping.pin()).isTrue();
            assertThat(mapping.pin()).isTrue();
            mapping.close();
            mapping.unpin();
            assertThat(bytes.getLong(0)).as("with a pin left").isEqualTo(42);
            assertThat(mapping.pin()).as("pin of a closed mapping").isFalse();
            mapping.unpin();
            assertThat(bytes.getLong(0)).as("after the last").isZero();
            assertThat(mapping.pin()).as("pin of a closed mapping").isFalse();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -1, Long.MIN_VALUE})
    void sizeBelowOne_isRefused(long length) {
        assertThatThrownBy(() -> Mapping.anonymous(length))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(String.valueOf(length));
    }

    @Test
    void sizeBeyondTheAddressSpace_isAnErrorWithCallErrnoAndLength() {
        NativeResourceException exception =
                catchThrowableOfType(NativeResourceException.class, () -> Mapping.anonymous(Long.MAX_VALUE - 4095));
        assertThat(exception.call()).isEqualTo("mmap");
        assertThat(exception.errno()).isEqualTo(Errno.ENOMEM);
        assertThat(exception.length()).isEqualTo(Long.MAX_VALUE - 4095);
    }

    @Test
    void sparseMapping_mayBeLargerThanTheMachine() {
        try (Mapping mapping = Mapping.anonymous(1L << 42)) {
            mapping.buffer((1L << 42) - 8, 8).putLong(0, 42);
            assertThat(mapping.buffer((1L << 42) - 8, 8)
                            .order(java.nio.ByteOrder.BIG_ENDIAN)
                            .getLong(0))
                    .isEqualTo(42);
        }
    }

    @ParameterizedTest
    @CsvSource({"-1,1", "0,-1", "0,12289", "12288,1", "12287,2", "9223372036854775807,1", "1,2147483647"})
    void bufferOutsideTheMapping_isRefused(long offset, int size) {
        try (Mapping mapping = Mapping.anonymous(3 * 4096)) {
            assertThatThrownBy(() -> mapping.buffer(offset, size)).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void bufferAtTheVeryEnd_mayBeEmpty() {
        try (Mapping mapping = Mapping.anonymous(4096)) {
            assertThat(mapping.buffer(4096, 0).capacity()).isZero();
            assertThat(mapping.buffer(0, 4096).capacity()).isEqualTo(4096);
        }
    }

    @Test
    void afterClose_aBufferSeesZerosAndClosingAgainDoesNothing() {
        Mapping mapping = Mapping.anonymous(4096);
        ByteBuffer buffer = mapping.buffer(0, 8);
        buffer.putLong(0, -1);
        mapping.close();
        assertThat(buffer.getLong(0)).isZero();
        mapping.close();
        assertThat(mapping.length()).isEqualTo(4096);
    }

    @Test
    void addressRange_isGivenBackWhenNobodyCanReachTheMapping() throws Exception {
        long length = 77L << 20;
        long address = mapAndClose(length);
        for (int i = 0; i < 500 && Leaks.isMapped(address, length); i++) {
            System.gc();
            Thread.sleep(10);
        }
        assertThat(Leaks.isMapped(address, length)).isFalse();
    }

    private static long mapAndClose(long length) throws IOException {
        try (Mapping mapping = Mapping.anonymous(length)) {
            assertThat(Leaks.isMapped(mapping.address(), length)).isTrue();
            return mapping.address();
        }
    }

    @Test
    void forbiddenRange_isAnErrnoForASystemCall() {
        try (Mapping mapping = Mapping.anonymous(2L * PAGE)) {
            Mapping.forbid(mapping.address() + PAGE, PAGE);
            assertThat(NativeTouch.readBytes(mapping.address(), 8)).isEqualTo(8);
            assertThat(NativeTouch.readBytes(mapping.address() + PAGE, 8)).isEqualTo(-Errno.EFAULT);
        }
    }

    @Test
    void failingDiscard_carriesCallErrnoAddressAndLength() {
        NativeException exception = catchThrowableOfType(NativeException.class, () -> Mapping.discard(4097, 10));
        assertThat(exception.call()).isEqualTo("madvise(MADV_DONTNEED)");
        assertThat(exception.errno()).isEqualTo(Errno.EINVAL);
        assertThat(exception.address()).isEqualTo(4097);
        assertThat(exception.length()).isEqualTo(10);
    }
}
