/* hold: waits, in a machine whose state is being kept, until it goes on as another one.
 *
 * The words of a kernel command line are in the machine's firmware configuration device (QEMU's
 * fw_cfg, item 0x15), which a kept state does not hold: where they have no vd.hold any more, another
 * machine has taken the state up. Prints that machine's words. */
#include <stdio.h>
#include <string.h>
#include <sys/io.h>
#include <unistd.h>

enum { SELECTOR = 0x510, DATA = 0x511, WORDS = 0x15, LONGEST = 2048, POLL_US = 20000 };

static void words(char *into)
{
    outw(WORDS, SELECTOR);
    for (int at = 0; at < LONGEST - 1; at++)
        if ((into[at] = (char)inb(DATA)) == '\0')
            return;
    into[LONGEST - 1] = '\0';
}

int main(void)
{
    static char told[LONGEST], again[LONGEST];
    if (iopl(3) != 0) {
        perror("hold");
        return 1;
    }
    for (;;) {
        words(told);
        words(again); /* the machine may have changed in the middle of the first */
        if (strcmp(told, again) == 0 && strstr(told, "vd.hold") == NULL)
            break;
        usleep(POLL_US);
    }
    puts(told);
    return 0;
}
