# A made-up plant whose readings quickstart and the tests train on.
noinst_PROGRAMS += examples/plant-simulator
examples_plant_simulator_SOURCES = examples/plant-simulator.c examples/plant.c examples/plant.h
examples_plant_simulator_LDADD = libcli.a libmlops.a $(MLOPS_LIBS)
