# MLOPS_WARNINGS: WARN_CFLAGS gets each warning that this compiler knows.
AC_DEFUN([MLOPS_WARNINGS], [
WARN_CFLAGS=
m4_foreach_w([mlops_flag], [-Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
    -Wold-style-definition -Wvla -Wundef -Wformat=2 -Wpointer-arith -Wwrite-strings -Wcast-align
    -Wimplicit-fallthrough -Wduplicated-cond -Wlogical-op -Wnull-dereference
    -Wno-missing-field-initializers],
  [AC_MSG_CHECKING([whether $CC accepts mlops_flag])
   mlops_saved_cflags=$CFLAGS
   CFLAGS="$CFLAGS mlops_flag -Werror"
   AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
     [AC_MSG_RESULT([yes]); WARN_CFLAGS="$WARN_CFLAGS mlops_flag"],
     [AC_MSG_RESULT([no])])
   CFLAGS=$mlops_saved_cflags
  ])
AC_SUBST([WARN_CFLAGS])
])
