package org.userload.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.linux.NativeException.NativeGoneException;
import org.userload.linux.NativeException.NativeResourceException;
import org.userload.linux.NativeException.NotPermittedException;
import org.userload.linux.NativeException.NotSupportedException;

@Timeout(20)
class NativeFailureTest {
    private static final Map<Integer, Class<?>> SPECIAL = Map.ofEntries(
            Map.entry(Errno.EPERM, NotPermittedException.class),
            Map.entry(Errno.EACCES, NotPermittedException.class),
            Map.entry(Errno.ENOSYS, NotSupportedException.class),
            Map.entry(Errno.ENOTTY, NotSupportedException.class),
            Map.entry(Errno.EOPNOTSUPP, NotSupportedException.class),
            Map.entry(Errno.ENODEV, NotSupportedException.class),
            Map.entry(Errno.ENOMEM, NativeResourceException.class),
            Map.entry(Errno.EMFILE, NativeResourceException.class),
            Map.entry(Errno.ENFILE, NativeResourceException.class),
            Map.entry(Errno.ENOSPC, NativeResourceException.class),
            Map.entry(Errno.ENOENT, NativeGoneException.class),
            Map.entry(Errno.ESRCH, NativeGoneException.class));

    @Test
    void everyErrno_hasExactlyItsException() {
        for (int errno = 1; errno <= 133; errno++) {
            NativeException exception = NativeFailure.of("call", errno, 0, 0);
            assertThat(exception).isExactlyInstanceOf(SPECIAL.getOrDefault(errno, NativeException.class));
            assertThat(exception.errno()).isEqualTo(errno);
        }
    }

    @Test
    void everyNamedErrno_isDescribedByItsNameAndText() throws IllegalAccessException {
        Map<String, Integer> named = new TreeMap<>();
        for (Field field : Errno.class.getDeclaredFields()) {
            if (Modifier.isPublic(field.getModifiers()) && field.getType() == int.class) {
                named.put(field.getName(), field.getInt(null));
            }
        }
        assertThat(named).hasSizeGreaterThan(15);
        named.forEach((name, errno) -> assertThat(Errno.describe(errno))
                .matches(name + " \\([A-Z].+\\)")
                .doesNotContain("Unknown error"));
        assertThat(Errno.describe(Errno.EPERM)).isEqualTo("EPERM (Operation not permitted)");
        assertThat(Errno.describe(72)).isEqualTo("errno 72 (Multihop attempted)");
    }

    @Test
    void exception_carriesCallErrnoAddressAndLength() {
        NativeException exception = NativeFailure.of("UFFDIO_COPY", Errno.ENOENT, 0x7000, 8192);
        assertThat(exception.call()).isEqualTo("UFFDIO_COPY");
        assertThat(exception.errno()).isEqualTo(Errno.ENOENT);
        assertThat(exception.address()).isEqualTo(0x7000);
        assertThat(exception.length()).isEqualTo(8192);
        assertThat(exception).hasMessage("UFFDIO_COPY of 8192 bytes at 0x7000: ENOENT (No such file or directory)");
    }

    @Test
    void exceptionAboutNoRange_namesNone() {
        assertThat(NativeFailure.of("userfaultfd", Errno.EPERM))
                .hasMessage("userfaultfd: EPERM (Operation not permitted)");
    }
}
