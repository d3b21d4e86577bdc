package org.userload.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.userload.support.Threads;

@Timeout(20)
class CpuAffinityTest {
    @Test
    void pinnedThread_staysOnItsCpu_andSoDoItsChildren() throws Exception {
        int cpu = CpuAffinity.currentCpu();
        Threads.join(
                Threads.start(() -> {
                    CpuAffinity.pinCurrentThread(cpu);
                    for (int i = 0; i < 100; i++) {
                        assertThat(CpuAffinity.currentCpu()).isEqualTo(cpu);
                    }
                    assertThat(Threads.join(Threads.start(CpuAffinity::currentCpu), 10))
                            .isEqualTo(cpu);
                    return null;
                }),
                10);
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, CpuAffinity.MAX_CPUS, Integer.MIN_VALUE, Integer.MAX_VALUE})
    void cpuThatNoMaskCanName_isRefused(int cpu) {
        assertThatThrownBy(() -> CpuAffinity.pinCurrentThread(cpu))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(String.valueOf(cpu));
    }

    @Test
    void cpuThatIsNotThere_isAnErrorThatNamesIt() {
        NativeException exception = catchThrowableOfType(
                NativeException.class, () -> CpuAffinity.pinCurrentThread(CpuAffinity.MAX_CPUS - 1));
        assertThat(exception.errno()).isEqualTo(Errno.EINVAL);
        assertThat(exception).hasMessageContaining("sched_setaffinity(1023)");
    }
}
